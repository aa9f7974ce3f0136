(trap 'echo bye' EXIT; echo hi)
(trap 'echo bye' 0; exit 3); echo $?
sh -c 'trap "echo end \$?" EXIT; exit 5'; echo $?
sh -c 'trap "exit 9" EXIT; exit 5'; echo $?
sh -c 'trap "echo no" EXIT; trap - EXIT; echo quiet'
trap 'echo outer' EXIT
(echo sub)
x=$(echo in); echo $x
echo last
