set -- a b c; shift $((1+1)); echo $1
x=abc; echo ${x:+$((1+1))} "$((1))$((2))" a$((3))b
for i in $((1)) $((1+1)); do echo $i; done
case $((2)) in 2) echo two;; esac
echo $((`echo 3`+$(echo 4))) >$T/f$((1)); cat $T/f1; rm $T/f1
if [ $((3>2)) = 1 ]; then echo gt; fi
exit $((2+3))
