(trap 'echo $?' EXIT; exit 3); echo $?
(trap 'exit 5' EXIT; exit 3); echo $?
(trap 'false' EXIT; true); echo $?
(trap 'echo bye' EXIT; set -e; false; echo no); echo $?
(trap 'echo bye; exit 0' EXIT; exit 9); echo $?
(trap 'echo one' EXIT; trap 'echo two' EXIT)
(trap 'echo in; (echo sub)' EXIT; :)
f() { trap 'echo from f' EXIT; }; (f; echo after f)
