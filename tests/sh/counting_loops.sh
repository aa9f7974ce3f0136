n=0
for i in 1 2 3 4 5 6 7 8 9 10; do for j in 1 2 3 4 5 6 7 8 9 10; do n=$((n+i*j)); done; done
echo $n
s=; i=0; while [ $i -lt 20 ]; do s=$s.; i=$((i+1)); done; echo "$s ${#s}"
