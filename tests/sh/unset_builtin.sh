x=1; unset x; echo "[${x-unset}]"
f() { echo f; }; f=var
unset f; f; echo "[$f]"
unset -f f; f 2>/dev/null; echo $?
unset nosuch; echo $?
unset -v x; echo $?
