true | false; echo $?; false | true; echo $?; ! true | false; echo $?; ! false; echo $?
(exit 3) | (exit 4); echo $?; exit_with() { return $1; }; exit_with 5 | cat; echo $?
echo a | exit_with 6; echo $?; nosuch_command | cat; echo $?
{ echo x; exit 3; } | cat; echo $?; echo x | { cat; exit 8; }; echo $?
true | sh -c 'exit 9'; echo $?; if false | true; then echo last; fi
