x=1
y=$(x=2; echo $x)
echo $x $y
f() { echo old; }
z=$(f() { echo new; }; f); echo $z; f
w=$(cd /; pwd); echo $w
