while read x; do echo "first $x"; cat; done <<E
1
2
3
E
printf 'a\nb\nc\n' | { read p; echo "p=$p"; (read q; echo "q=$q"); cat; }
f=$T/shared; printf '1\n2\n3\n4\n' >$f
exec 5<$f
read a <&5; (read b <&5; echo $b); read c <&5; echo $a $c
exec 5<&-
exec <$f; read z; echo $z; cat
rm $f
