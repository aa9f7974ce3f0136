echo() { printf 'function\n'; }
echo x; command echo x
command -v cd; command -v nosuch; command -v if
unset -f echo
command nosuch 2>/dev/null; echo $?
f() { :; }; command -v f
command true; echo $?
x=1 command eval 'echo $x'
