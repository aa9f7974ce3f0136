printf '1:2:\n' | { IFS=: read a b; echo "[$a][$b]"; }
printf '1:2:3:\n' | { IFS=: read a b; echo "[$a][$b]"; }
printf ':x\n' | { IFS=: read a b; echo "[$a][$b]"; }
printf 'a  :  b\n' | { IFS=' :' read a b; echo "[$a][$b]"; }
printf ' a b \n' | { IFS= read -r l; echo "[$l]"; }
printf 'x y\n' | { IFS=: read a b; echo "[$a][$b]"; }
