x=5
if [ "$x" -gt 3 ] && [ "$x" -lt 10 ]; then echo in; fi
[ "$x" = 5 ] || echo no
[ -z "$y" ] && echo empty
[ "a b" = "a b" ] && echo spaces
while [ $x -gt 3 ]; do x=$((x-1)); done; echo $x
