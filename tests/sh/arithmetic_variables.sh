a=5 b=a; echo $((a)) $(($a)) $((a+$a)) $((${a}2))
unset u; echo $((u)) $((u+1)) $((u=3)) $u
x=010 y=0x1F; echo $((x)) $((y)) $((010+0x10))
z=' 7 '; echo $((z+1))
n=-3; echo $((n)) $((-n)) $((n*n)) $((n-1))
i=0; while [ $((i+=1)) -lt 4 ]; do echo $i; done
e=; echo $((e)) $((
1 +
2))
