$(exit 3); echo $?
x=$(exit 4); echo $?
x=1; echo $?
false; x=1 >/dev/null; echo $?
x=a; y=; $y $(exit 5) $y; echo $?
f() { $(exit $1); }
f 6; echo $?
f 7 || echo $?
i=0; while [ $i -lt 3 ]; do $(exit $i); echo $?; i=$((i + 1)); done
v='a  b'; for w in 1 2; do set -- x $v y; echo $#; v=; done
IFS=:; v=a:b; for w in 1 2; do set -- x $v y; echo $#; v='a b'; done
