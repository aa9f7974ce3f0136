up() { x=up; cat; }
gen() { echo one; echo two; }
gen | up | while read a; do echo "<$a>"; done
echo $x
gen | gen
