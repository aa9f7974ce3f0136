trap 'echo outer' EXIT
(trap 'echo inner' EXIT; echo body)
(echo none)
x=$(trap 'echo collected' EXIT; echo text); echo "$x"
( trap - EXIT; echo cleared )
sh -c 'trap "echo $?; echo child" EXIT; exit 4'; echo $?
