command . ./nope; echo $?
command shift 9; echo $?
command eval ')'; echo $?
command eval 'echo ${x?}'; echo $?
command export 'a-b'; echo $?; command unset 'a-b'; echo $?; command set -o nope; echo $?
readonly r=1; command eval 'r=2'; echo $?; command export r=3; echo $?
f() { command shift 2; echo $? $#; command return 3; echo no; }; f 1; echo $?
for i in 1 2; do command break; echo no; done; echo $i
g() { command local b-b; echo $?; local x=1; command eval 'x=2; shift 9'; echo $x; }; x=0; g; echo $x
(command eval 'exit 4'; echo no); echo $?; (set -e; command shift 9; echo no); echo $?
(set -e; command shift 9 || echo or; command . ./nope || echo or)
command eval 'command eval "shift 9"; echo in $?'; echo $?
(shift 9; echo no); echo $?; command exec nosuch; echo $?
