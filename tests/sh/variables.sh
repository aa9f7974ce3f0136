x=1 y=2
echo $x$y ${x}${y} "$x $y"
x=$y
echo $x
z="a b"
echo $z
echo "$z"
w=$z; echo "$w"
unset x; echo "[$x]"
