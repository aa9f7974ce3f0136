x=1; echo 2 | read x; echo $x
echo 3 | { read x; echo $x; }; echo $x
x=5 | cat; echo $x
y=$(echo a | { read z; echo $z$z; }); echo $y
seq 3 | { s=0; while read n; do s=$((s+n)); done; echo $s; }
set -- a b; echo x | { shift; echo $1; }; echo $#
cd / | cat; pwd | sed "s|^$T.*|T|" | wc -l
