for i in; do echo no; done; echo $?; for i do echo no; done; echo $?
for i in a b; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done
while :; do while :; do break 2; done; echo no; done; echo out
i=0; until [ $i -ge 3 ]; do i=$((i+1)); [ $i = 2 ] && continue; echo $i; done
for i in 1 2 3; do (break); echo $i; done 2>/dev/null
for x in "$@" end; do echo $x; done; set -- p q; for x; do shift; echo $x $#; done
while false; do :; done; echo $?; for i in 1; do false; done; echo $?
i=5; for i in 1 2; do :; done; echo $i; for _ in a; do echo $_; done
