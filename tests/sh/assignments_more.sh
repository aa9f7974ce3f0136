a=1; a=$a$a; echo $a; a="$a b"; echo "$a"; b=$a; echo "$b"
c=~; [ "$c" = "$HOME" ] && echo home
d=$(echo x y); echo "$d"; e=`echo z`; echo $e
f=a=b=c; echo $f; g=\*; echo "$g"; h=; echo "[$h]"
i='x
y'; echo "$i"; echo $i
a=1 b=2 sh -c 'echo $a$b'; echo $a
PATH=/nodir nosuch 2>/dev/null; echo $?
x=1 y=$x; echo $y
