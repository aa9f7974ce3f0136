cd $T
sh -c 'echo out; echo err >&2' >ro1 2>&1; cat ro1
sh -c 'echo out; echo err >&2' 2>&1 >ro1 | sed s/^/p:/; cat ro1
{ echo a; echo b >&2; } 2>ro2 >ro1; cat ro1 ro2
echo x >ro1 >ro2; cat ro1 ro2; echo y >>ro2; cat ro2
echo z 3>&1 >ro1 1>&3; wc -c <ro1 | tr -d ' '
exec 4>ro1; echo four >&4; echo more >&4; exec 4>&-; cat ro1; (echo closed >&4) 2>/dev/null; echo $?
<ro1 cat; <ro1 >ro2 cat; cat <ro2 ro1; : >ro1; wc -c <ro1 | tr -d ' '
for i in 1 2; do echo $i; done >ro1; while read l; do echo "<$l>"; done <ro1
rm ro1 ro2
