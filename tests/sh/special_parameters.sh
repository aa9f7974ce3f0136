true; echo $?
false; echo $?
(exit 42); echo $?
x=$$
[ "$x" -gt 0 ] && echo pid
echo $(echo $$) | { read p; [ "$p" = "$x" ] && echo same; }
set -f; case $- in *f*) echo f;; esac
