x=1; (x=2; echo $x; (x=3; echo $x); echo $x); echo $x
(cd /; pwd); pwd | grep -c "^$T"; (exit 3); echo $?; (set -f; echo *) | wc -w | tr -d ' '; echo $-| tr -d a-z
f() { echo old; }; (f() { echo new; }; f); f; (alias q=echo); alias q 2>/dev/null; echo $?
(set -- a b; echo $#); echo $#; (umask >/dev/null 2>&1; true); (trap 'echo t' EXIT); (readonly r=1); r=2; echo $r
(:;(:;(:;(echo deep)))); ( (echo a) ; (echo b) ); ((echo c);(echo d)) 2>/dev/null
