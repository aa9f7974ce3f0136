printf 'a b c\n' | { read x y; echo "[$x] [$y]"; }
printf '  lead  trail  \n' | { read x; echo "[$x]"; }
printf 'one\n' | { read x y z; echo "[$x][$y][$z]"; }
printf 'a:b:c\n' | { IFS=: read x y; echo "[$x] [$y]"; }
printf 'a\\ b c\n' | { read x y; echo "[$x] [$y]"; }
printf 'a\\ b c\n' | { read -r x y; echo "[$x] [$y]"; }
printf 'join\\\ned\n' | { read x; echo "[$x]"; }
printf 'noeol' | { read x; echo "$? [$x]"; }
printf '' | { read x; echo "$? [$x]"; }
