x="a'b"; y='c"d'
echo "$x" "$y" "$x$y" $x$y
echo 'a'\''b' "a\"b" a\'b a\"b
echo "\`" '\`' \` "x"
printf '%s\n' "a	b" 'tab	in' a\	b
printf '[%s]\n' "" '' "a""b" 'a''b' "a"'b'
echo "line1
line2" 'l3
l4'
