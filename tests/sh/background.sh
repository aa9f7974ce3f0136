(exit 3) & wait $!; echo $?
sleep 0 & p=$!; wait $p; echo $?
{ echo bg; } & wait
x=1; { x=2; } & wait; echo $x
wait 99999; echo $?
true & false & wait; echo $?
(exit 1) & a=$!; (exit 2) & b=$!; wait $b; echo $?; wait $a; echo $?
