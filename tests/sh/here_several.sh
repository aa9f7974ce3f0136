cat <<A; cat <<B
a
A
b
B
cat <<A <<B
first
A
second
B
while read l; do echo "[$l]"; done <<E
1
2
E
