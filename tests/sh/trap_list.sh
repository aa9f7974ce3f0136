trap 'echo a' INT
trap
trap - INT; trap
trap "echo it's" EXIT; trap
trap '' TERM; trap
trap EXIT
(trap 'x' NOSUCH) 2>/dev/null; echo $?
