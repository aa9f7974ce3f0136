:
{ :; }
( : )
f() { :; }
f
"" 2>/dev/null; echo $?
'' 2>/dev/null; echo $?
$nothing; echo $?
$nothing echo expanded
x= ; echo "[$x]"
