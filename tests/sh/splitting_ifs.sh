IFS=:
x=a:b::c:
set -- $x; echo $#
for i; do echo "[$i]"; done
x=:a; set -- $x; echo $# "[$1]" "[$2]"
IFS=': '
x='a : b  c:d'
set -- $x; echo $#
for i; do echo "[$i]"; done
IFS=
x='a b'; set -- $x; echo $#
