IFS=,
for i in $(echo a,b c,d); do echo "[$i]"; done
for i in `echo 1,2`; do echo "[$i]"; done
for i in $((10)),x "$(echo q,r)"; do echo "[$i]"; done
set -- $(echo ,a,,b,); echo $#
x=$(echo a,b); echo "$x" $x
IFS=0; echo $((101)) $((1001))
