a=1 b=$a c=$b$a
echo $a $b $c
x=$(false)
echo $?
x=y$(exit 3)
echo $? $x
