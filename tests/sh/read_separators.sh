printf 'a:b:c\n' | { IFS=: read x y; echo "[$x][$y]"; }
printf 'a:b:\n' | { IFS=: read x y; echo "[$x][$y]"; }
printf ':a:\n' | { IFS=: read x y z; echo "[$x][$y][$z]"; }
printf 'a::b\n' | { IFS=: read x y z; echo "[$x][$y][$z]"; }
printf 'a : b : c\n' | { IFS=': ' read x y; echo "[$x][$y]"; }
printf 'x=1=2\n' | { IFS== read k v; echo "$k -> $v"; }
printf 'a\tb c\n' | { IFS='	' read x y; echo "[$x][$y]"; }
printf 'root:x:0\nuser:x:1\n' | while IFS=: read n p i; do echo "$i $n"; done
