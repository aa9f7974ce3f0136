x=1; unset x; echo "[${x-unset}]"; unset nosuch; echo $?
f() { echo f; }; unset f; f; unset -f f; f 2>/dev/null || echo gone
x=1; (unset x; echo "[$x]"); echo $x; export y=2; unset y; sh -c 'echo "[$y]"'
g() { unset x; echo "[${x-none}]"; }; x=3; g; echo "[${x-none}]"
h() { local z=1; unset z; echo "[${z-none}]"; }; z=top; h; echo $z
unset -v x; readonly q=1; (unset q) 2>/dev/null; echo $?; echo $q
