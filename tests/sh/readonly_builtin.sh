readonly r=1; echo $r
(r=2; echo no) 2>/dev/null; echo $?
(unset r; echo no) 2>/dev/null; echo $?
echo $r
