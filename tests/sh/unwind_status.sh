f() { false; }; f; echo $?
f() { (exit 9); return; }; f; echo $?
while true; do (exit 4); break; done; echo $?
for i in 1; do false; continue; done; echo $?
! (exit 2); echo $?
{ (exit 3); }; echo $?
if (exit 5); then :; else echo $?; fi
