f() { echo "in $x"; }
x=1
x=2 f
echo $x
