echo a | cat
echo a b | cat | cat
printf 'x\ny\n' | { read a; read b; echo $b$a; }
true | false; echo $?
false | true; echo $?
! true; echo $?
! false; echo $?
! false | true; echo $?
