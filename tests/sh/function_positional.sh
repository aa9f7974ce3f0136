set -- a b c
f() { echo $#: "$@"; shift; echo $#: "$@"; set -- new; echo $1; }
f 1 2 3
echo $#: "$@"
