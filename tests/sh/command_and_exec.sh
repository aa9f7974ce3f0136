command echo hi; command -v cd; command -v nosuch; echo $?
command nosuch 2>/dev/null; echo $?; (exec nosuch) 2>/dev/null; echo $?
(exec echo replaced; echo no); (exec sh -c 'exit 6'); echo $?
exec 3>&1; echo to3 >&3; exec 3>&-; f() { echo func; }; command f 2>/dev/null; echo $?
command -V cd >/dev/null; echo $?; x=1 command eval 'echo $x'; command . /dev/null; echo $?
