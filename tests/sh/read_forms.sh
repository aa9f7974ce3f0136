printf 'a b c\n' | { read x; echo "[$x]"; }
printf 'a b c\n' | { read x y; echo "[$x][$y]"; }
printf 'a\n' | { read x y z; echo "[$x][$y][$z]"; }
printf '  a  b  \n' | { read x y; echo "[$x][$y]"; }
printf '  a  b  \n' | { IFS= read x; echo "[$x]"; }
printf 'a\\\nb\n' | { read x; echo "[$x]"; }
printf 'a\\\nb\n' | { read -r x; echo "[$x]"; }
printf 'no newline' | { read x; echo "$? [$x]"; }
printf '' | { x=old; read x; echo "$? [$x]"; }
printf '\n\nx\n' | { read a; read b; read c; echo "[$a][$b][$c]"; }
