a=b; b=c; eval "echo \$$a"
eval 'f() { echo "eval f"; }'; f
eval "x='single quoted'"; echo "$x"
cmd='echo a | cat'; eval $cmd; $cmd
eval 'cat <<E
here $a
E'
eval "if true; then" "echo joined;" fi
eval 'exit_later() { return 3; }; exit_later'; echo $?
