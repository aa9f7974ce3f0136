x=1
echo 2 | read x
echo $x
echo a | { x=5; cat >/dev/null; }
echo $x
x=9 | true
echo $x
