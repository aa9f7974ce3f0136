for i in 1 2 3; do echo $i; done | while read n; do echo "n=$n"; done
i=0
while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done | cat
if true; then echo in; fi | cat
(echo a; echo b) | (read x; echo got $x; cat)
f() { while read l; do echo "f:$l"; done; }
printf '1\n2\n' | f
