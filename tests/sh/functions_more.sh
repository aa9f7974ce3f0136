a() { b "$@"; echo "a $?"; }
b() { return $#; }
a 1 2 3
f() { f() { echo second; }; echo first; }
f; f
g() { echo "$1"; [ $# -gt 1 ] && { shift; g "$@"; }; }
g x y z
h() { echo >&2; echo out; } 2>/dev/null
h
i() { cat; }; echo piped | i; i <<E
here
E
j() { :; } ; j && echo true
k() for x in 1 2; do echo k$x; done
k
