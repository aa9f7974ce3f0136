f() { echo out; echo err >&2; return 4; } 2>&1
f | sed s/^/x/; f >/dev/null; echo $?
g() { cat; } <$T/none; g; echo $?
h() ( x=sub; exit 3 ); x=top; h; echo $? $x
i() if [ "$1" ]; then echo arg; else echo none; fi; i; i 1
j() for k in 1 2; do echo $k$1; done; j a
k() { return; }; false; k; echo $?
l() { (return 2); echo $?; return $?; }; l; echo $?
