if ! >$T/none/f; then echo cannot; fi
x=0; x=1 >$T/none/h; echo $? $x
>$T/none/f || echo or
y=$(>$T/none/f; echo after $?); echo "$y"
(set -e; >$T/none/f; echo no); echo $?
(echo a >${nope?bad}; echo no); echo $?
(>${nope?bad}; echo no); echo $?
({ :; } >${nope?bad}; echo no); echo $?
