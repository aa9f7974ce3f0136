x=global
f() { local x; x=local; g; echo "f $x"; }
g() { echo "g $x"; x=changed; }
f; echo $x
h() { local y=1 z=2; echo $y $z; }
h; echo "[$y]"
