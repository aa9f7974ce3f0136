unset x y
echo ${x:=1}${x:=2} ${y=$x}$y
z=${w:=set}; echo $z $w
echo "$((n=5))" $n $((n+=2)) $n
a=1 b=$a c=${b}2; echo $a $b $c
: ${e:=a b}; for i in $e; do echo "<$i>"; done
: "${g:=*}"; echo "$g"
