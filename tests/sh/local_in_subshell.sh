x=0; f() { (local x=1; echo "in $x"); x=2; }; f; echo $x
g() { (local q=1); q=5; }; g; echo ${q-unset}
h() { y=$(local x=3; echo "sub $x"); x=4; echo "$y"; }; h; echo $x
i() { local x=i; (x=j; local x; x=k; echo "$x"; l; echo "$x"); echo "$x"; }
l() { local x=l; (local x=m); x=n; }
i; echo $x
j() { { local y=1; echo $y; } | cat; echo a | { local y=2; cat; echo $y; }; }; y=0; j; echo $y
k() { { l; local x=p; echo $x; m; echo $x; } | cat; }; m() { local x=q; echo $x; }; k; echo $x
n() { { local a=1; echo $a >$T/a; } & wait; cat $T/a; rm $T/a; }; n
o() { { return 3; } | cat; { (local z=1; echo $z; return 4); echo $?; } | cat; }; o
{ (local a=1) 2>/dev/null; echo $?; } | cat
p() { (local v=in; trap 'echo "at the end"' EXIT; echo $v); }; p
