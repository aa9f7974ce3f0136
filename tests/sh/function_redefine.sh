f() { echo one; }; f; f() { echo two; }; f
g() { g() { echo inner; }; echo outer; }; g; g
unset -f f; f 2>/dev/null; echo $?
h() { echo $#; }; h "" ''; h $u; h "$u"
echo() { printf 'mine %s\n' "$*"; }; echo a b; unset -f echo; echo plain
true() { return 7; }; true; echo $?; command true; echo $?
