set -- a b c
IFS=-; echo "$*" $* "$@"
x=$*; echo "$x"
x="$*"; echo "$x"
x=$@; echo "$x"
