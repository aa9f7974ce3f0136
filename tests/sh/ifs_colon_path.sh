p=/bin:/usr/bin::/x:
IFS=:
for d in $p; do echo "[$d]"; done
set -- $p; echo $#
IFS=:; set -- a:b "c:d"; echo $# "$*"
x=:lead; for d in $x; do echo "<$d>"; done
x=::; set -- $x; echo $#
