true && echo a
false && echo b
true || echo c
false || echo d
true && false || echo e
false || true && echo f
false && true; echo $?
true &&
echo newline
