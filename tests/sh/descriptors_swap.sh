f=$T/swap
{ { echo out; echo err >&2; } 3>&1 1>&2 2>&3 3>&-; } 2>$f
cat $f
{ echo a >&2; echo b; } 2>$f >&2; cat $f
(echo closed >&-) 2>/dev/null; echo $?
exec 6>$f; { echo one; echo two >&6; } | cat; exec 6>&-; cat $f
cat <&- 2>/dev/null; [ $? -ne 0 ] && echo failed
rm $f
