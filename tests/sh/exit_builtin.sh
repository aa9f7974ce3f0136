(exit 5); echo $?
(false; exit); echo $?
(exit 256); echo $?
sh -c 'exit 9'; echo $?
sh -c 'false'; echo $?
sh -c 'true; exit 2; echo no'; echo $?
f() { exit 6; }; (f; echo no); echo $?
exit 13
