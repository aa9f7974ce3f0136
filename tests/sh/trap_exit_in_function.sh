# The trap of the end sees the variables of the function that ended the shell, but its own parameters and output.
run() { sh -c "trap 'echo \"[\$x] \$1 \$#\"' EXIT; $1" sh a b; echo $?; }
run 'f() { local x=1; exit; }; x=2; f'
run 'f() { local x=1; exit 3; }; x=2; f c >/dev/null'
run 'x=2; { x=3; exit; } >/dev/null'
run 'f() { local x=1; set -- q; exit 4; }; g() { local x=5; f c; }; x=2; g d e f'
run 'f() { local x=1; set -e; false; }; x=2; f'
run 'f() { local x=1; : ${none?}; }; x=2; f' 2>/dev/null
run 'f() { exit; }; x=2; x=3 f'
run 'f() { local x=1; return 6; }; x=2; f'
run 'f() { local x=1; eval "exit 5"; }; x=2; f'
run 'f() { local x=1; (exit 5); y=$(exit 6); echo "$x"; }; x=2; f; echo "$x"'
for trap in 'echo "[$x]"' 'echo "[$x]"; exit 7' 'x=8; f'; do
  f() { local x=1; exit 3; }; x=2
  (trap "$trap" EXIT; f); echo "$? $x"
  y=$(trap "$trap" EXIT; f); echo "$? $x $y"
  (trap "$trap" EXIT; f() { local x=1; : ${none?}; }; f) 2>/dev/null; echo "$? $x"
done
f() { local x=1; (exit 3); echo "$? $x"; y=$(x=4; exit 5); echo "$? $x"; : | exit 6; echo "$? $x"; return 1; }; f; echo "$? $x"
