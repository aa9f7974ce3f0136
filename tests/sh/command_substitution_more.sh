x=$(echo a; echo b); echo "$x"; echo $x
echo "$(printf 'a\n\n')b"
y=$(cat <<X
h1
X
); echo $y
echo $(( $(echo 2) * $(echo 3) ))
f() { echo "$1-$2"; }
f $(echo 1 2) "$(echo 3 4)"
echo "$(f "$(echo "x y")" z)"
z=$(exit 3) || echo "failed $?"
n=$(for i in 1 2 3; do echo $i; done); echo $n
echo "a$(:)b" "c`:`d"
