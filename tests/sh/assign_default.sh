unset x
echo ${x=1} $x
echo ${x=2}
e=
echo ${e:=new} $e
: ${y:=a b}
echo "$y"
