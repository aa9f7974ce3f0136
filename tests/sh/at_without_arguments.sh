# Without parameters "$@" is no field, but what else is quoted in its word makes one.
n() { printf '%s[%s] ' $# "$1"; }
n "$@"; n $@; n "$@"$x; n $x"$@"; n $*"$@"; n "${@}"; n $@$@; n "$@"\
"$@"; n "\
$@"; n ${1+"$@"}; n ${x:-"$@"}; n ${x+"$@"}; echo
n ""$@; n "$@"""; n ''$@; n "$@"''; n $@""; n "" "$@"; n a"$@"; n "$@"b; n "
$@"; n "$x"$@; n "$@""$x"; n "$x""$@"; echo
n "$@$x"; n "$x$@"; n "${x-}$@"; n "$@${x:-}"; n "$(:)$@"; n "$*"; n "$*$@"; n "${x:-$@}"; n "${x:-"$@"}"; echo
n "${x+y}"; n "${x-}"; n "${x:-}"; n "${x=}"; n "${x+y}"; n "${x:+y}"; n "${1+$@}"; n "${@:-}"; n "${@-}"; n ${x:-""$@}; echo
set -- a 'b c'; n ""$@; n "$@"""; n ''"$@"''; n "${x:-$@}"; n "${x:-"$@"}"; n ${x:-"$@"}; n "${1+"$@"}"; n "${@-}"; echo
x="$@"; echo "[$x]"; for i in "" "$x"; do n "$i"; done; case "$2" in "b c") echo matched;; esac; echo
