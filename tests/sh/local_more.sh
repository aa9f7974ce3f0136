x=global
f() { local x; echo "[$x]"; x=f; g; echo $x; }
g() { echo "g sees $x"; x=changed; }
f; echo $x
h() { local x=1 y=2; echo $x$y; }; h; echo "$x[$y]"
i() { local x="a b"; echo "$x"; local x=c; echo $x; }; i
r() { local n=$1; [ $n -gt 0 ] || return 0; r $((n-1)); echo $n; }; r 3
e() { local v=loc; export v; sh -c 'echo $v'; }; e; echo "[$v]"
