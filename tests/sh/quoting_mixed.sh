a='one two'
set -- $a"$a"'$a'
echo $#
for i; do echo "<$i>"; done
