exec 2>/dev/null
(set -u; echo "$nope"; echo no); echo $?
(set -u; echo "${nope-d}"; x=; echo "[$x]")
(set -u; echo $#; echo "$@"; echo ok)
(set -u; echo ${#nope}; echo no); echo $?
