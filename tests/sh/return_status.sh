f() { return; }
false; f; echo $?
g() { false; return; }
g; echo $?
h() { return 300; } 2>/dev/null
k() { return 7; echo no; }
k || echo $?
l() { for i in 1 2; do return 5; done; }
l; echo $?
