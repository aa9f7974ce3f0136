f() { trap 'echo from f' EXIT; }
(f; echo body)
(trap 'echo one' EXIT; trap 'echo two' EXIT)
(trap 'echo "st $?"' EXIT; false)
(trap 'x=1; echo $x' EXIT; x=0; exit 2); echo $?
(trap 'exit 3' EXIT; true); echo $?
echo a | { trap 'echo piped' EXIT; cat; }
(trap 'echo parent' EXIT; (echo child); echo $(echo sub))
sh -c 'trap "echo bye" EXIT; nosuch 2>/dev/null'
