f() { echo "f $# $1 $2"; }
f; f a; f a "b c"
g() { f "$@"; return 3; }
g 1 2; echo $?
h() (x=sub; echo $x)
x=main; h; echo $x
k() if true; then echo k; fi
k
f() { echo redefined; }
f
unset -f f; f 2>/dev/null; echo $?
