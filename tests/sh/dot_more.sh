f=$T/dotm
printf 'g() { echo from dot; }\nx=dot\nset -- inner\n' >$f
. $f; g; echo $x
printf 'for i in 1 2; do return 5; done; echo no\n' >$f
. $f; echo $?
printf 'break\n' >$f; for i in 1 2; do . $f; echo no; done; echo out
printf 'false\n' >$f; . $f; echo $?
: >$f; . $f; echo $?
rm $f
