if true;then echo a;else echo b;fi
for i in 1;do echo $i;done;while false;do :;done
{ echo c;};(echo d)
f(){ echo f;};f
case x in x)echo x;;esac
if
 true
then
 echo e
fi
! false&&echo g||echo h
echo i;#comment
echo j&&#c
echo k
