set --
echo ${1+"$@"} "${@:-none}"
set -- a 'b c'
for i in ${1+"$@"}; do echo "<$i>"; done
echo "${@:-none}" "${*:+some}"
f() { echo $# "${2-unset}" ${3:-d}; }
f; f 1; f 1 2; f 1 '' 3
