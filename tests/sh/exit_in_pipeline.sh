echo a | exit 3; echo $?
exit 4 | true; echo $?
(echo a; exit 5) | cat; echo $?
echo b | (cat; exit 6); echo $?
f() { exit 7; }
echo c | f; echo $?
f | cat; echo $?
