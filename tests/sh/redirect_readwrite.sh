f=$T/rw
printf 'l1\nl2\nl3\n' >$f
exec 3<>$f
read a <&3; read b <&3; echo $a $b
exec 3>&-
{ read a; read b; echo $b; } <$f
while read l; do echo "[$l]"; done <$f
rm $f
