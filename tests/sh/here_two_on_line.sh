cat <<A; cat <<B
first
A
second
B
cat <<A - <<B
lost
A
kept
B
cat <<A && echo and
x
A
{ cat; cat <&3; } <<A 3<<B
zero
A
three
B
