echo $(case x in x) echo paren;; esac)
echo $( (echo sub) )
echo $(echo ')' # comment )
)
echo $(
  echo lines
  echo more
)
