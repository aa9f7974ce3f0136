x='  a  b	c
d  '
set -- $x; echo $#; echo "$1|$2|$3|$4"
set -- "$x"; echo $#
set -- a$x; echo $# $1
set -- ${x}z; echo $#
e=; set -- $e; echo $#; set -- $e"" ; echo $#
