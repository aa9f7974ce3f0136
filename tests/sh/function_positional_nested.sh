set -- top1 top2
f() { echo $# "$@"; shift; echo "$1"; set -- new; echo "$*"; g a "b c"; echo "$1"; }
g() { for i; do echo "<$i>"; done; }
f 1 2 3; echo $# $1
h() { echo "$0" | sed 's|.*/||' >/dev/null; echo ${1-none} ${3-none}; }; h x
