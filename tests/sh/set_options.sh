set -- -a b; echo $1 $2
set -f; echo *; set +f
set -o noglob; echo *; set +o noglob
set -C; f=$T/C; echo a >$f; (echo b >$f) 2>/dev/null; echo $?; cat $f; echo c >|$f; cat $f; rm $f
set +C
set -a; v=exported; set +a; sh -c 'echo $v'
set -- ; echo $#
