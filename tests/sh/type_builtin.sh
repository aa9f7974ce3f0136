type cd if
f() { :; }; type f
type nosuch 2>/dev/null >/dev/null; echo $?
type : eval
