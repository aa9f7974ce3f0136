cat <<A | tr a-z A-Z
shout
A
cat <<A |
tail
A
sed s/t/T/
cat <<A >$T/here_out; cat $T/here_out; rm $T/here_out
file
A
(cat; echo sub) <<A
paren
A
