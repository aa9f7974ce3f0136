set -- one two three four five six seven eight nine ten eleven
echo $1 $10 ${10} ${11} ${12-none} $# ${#} ${#1}
shift 9; echo $1 ${2} $#; set --; echo $# "[$*]" "[$@]" "[${1-}]"
set -- "a b" '' c; for i in "$@"; do echo "<$i>"; done; for i in $*; do echo "($i)"; done; for i in "$*"; do echo "{$i}"; done
set -- -x -- y; echo $# $1; set a b; echo "$@"
