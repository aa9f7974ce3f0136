IFS=,
set -- a,b; echo $#
x=a,b
set -- $x; echo $#
set -- $x,c; echo $#
set -- "$x"; echo $#
set -- $(echo a,b c); echo $#
echo $x
