exec 2>/dev/null
(: >/nodir/file; echo not reached)
echo $?
(set -- a >/nodir/x; echo not)
echo $?
