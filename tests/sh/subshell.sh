x=1; (x=2; echo $x); echo $x
(exit 3); echo $?
(cd /tmp; pwd)
(set -- a b; echo $#); echo $#
( (echo nested) )
(f() { echo f; }; f)
f 2>/dev/null || echo no f
