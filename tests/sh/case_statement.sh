t() { case $1 in
  a) echo A;;
  b|c) echo BC;;
  d*) echo D;;
  [0-9]) echo digit;;
  ?) echo one;;
  "*") echo star;;
  *) echo other;;
esac; }
t a; t c; t dog; t 7; t z; t '*'; t foo; t ''
case x in esac; echo $?
case x in (x) echo paren;; esac
case x in x) ;; esac; echo $?
