eval; echo $?; eval ''; echo $?; eval 'exit_() { return 4; }'; exit_; echo $?
x='echo a; echo b'; eval $x; eval "$x"; y='$x'; eval echo $y; eval "echo $y"
eval 'for i in 1 2; do' 'echo $i; done'; eval "v=1 w=2"; echo $v$w
eval 'echo "quoted  space"'; eval echo '"quoted  space"'; eval echo "quoted  space"
n=3; eval "var$n=dyn"; eval echo \$var$n; eval "echo \${var$n}"
(eval 'if'; echo no) 2>/dev/null; echo $?; eval '(exit 3)'; echo $?; eval 'false
true'; echo $?
