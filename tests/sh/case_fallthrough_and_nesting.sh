f() {
  case $1 in
    a) case $2 in b) echo ab;; *) echo a-;; esac;;
    b)
      if [ "$2" ]; then echo b2; else echo b; fi
      ;;
    c | d) echo cd
  esac
}
f a b; f a; f b x; f b; f c; f d; f e; echo $?
for i in 1 2 3; do case $i in 2) continue;; 3) break;; esac; echo $i; done
case x in x) exit_code() { return 3; }; exit_code;; esac; echo $?
