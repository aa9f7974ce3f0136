set -- 1 2 3 4
shift; echo $*
shift 2; echo $*
shift 0; echo $*
shift; echo $#
(shift; echo no) 2>/dev/null; echo $?
