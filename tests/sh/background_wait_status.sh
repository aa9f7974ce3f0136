(exit 3) & wait $!; echo $?
true & p=$!; wait $p; echo $?; wait 99999 2>/dev/null; echo $?
(echo bg) & wait; echo done
{ exit 4; } & a=$!; { exit 5; } & b=$!; wait $b; echo $?; wait $a; echo $?
false & wait; echo $?
x=1; { x=2; } & wait; echo $x
