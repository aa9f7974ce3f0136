i=0; while :; do i=$((i+1)); case $i in 2) continue;; 5) break;; esac; echo $i; done
n=5; until [ $n -le 0 ]; do printf '%s ' $n; n=$((n-2)); done; echo
while read a b; do [ "$a" = end ] && break; echo "$b $a"; done <<E
1 one
2 two three
end x
4 four
E
while false; do :; done && echo zero
while [ "${q:=0}" -lt 2 ] && q=$((q+1)); do echo q$q; done
