f() { return 4; }; f & wait $!; echo $?
(sleep 0; exit 9) & p=$!; wait $p; echo $?
for i in 1 2 3; do (exit $i) & done; wait; echo $?
{ echo a; echo b; } & wait
x=$(echo sub & wait); echo $x
echo piped | cat & wait
true & [ -n "$!" ] && echo pid; wait
cat & wait; echo "status $?"
