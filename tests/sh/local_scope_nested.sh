a() { local v=1; b; echo "a $v"; }
b() { v=2; c; }
c() { local v=3; echo "c $v"; }
v=0; a; echo $v
d() { local IFS=:; set -- $1; echo $#; }
d a:b:c; set -- a:b; echo $#
