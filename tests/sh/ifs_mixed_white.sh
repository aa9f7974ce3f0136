IFS=' :'
x='a : b:c  d :: e: '
set -- $x; echo $#; for i; do echo "[$i]"; done
IFS=:' '; x=' :a'; set -- $x; echo $#; echo "[$1][$2]"
IFS='
'; x='a b
c'; for i in $x; do echo "[$i]"; done
