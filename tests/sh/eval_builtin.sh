x='echo a; echo b'
eval $x; eval "$x"
eval 'y=5'; echo $y
eval eval echo deep
eval; echo $?
eval false; echo $?
n=v; eval "$n=7"; echo $v
eval 'for i in 1 2
do echo $i
done'
(eval 'if') 2>/dev/null; echo $?
