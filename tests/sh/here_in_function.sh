f() { cat <<A
$1 and ${2:-none}
A
}
f x; f x y
g() { while read l; do echo "<$l>"; done; } <<A
always
A
g; g
