IFS=x
a=1x2x3
echo $a
set -- $a; echo $#
IFS='x '
a=' 1x 2 x3 '
set -- $a; echo $#
for i; do echo "[$i]"; done
IFS='
'
b='l 1
l 2'
for i in $b; do echo "<$i>"; done
