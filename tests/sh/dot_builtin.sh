f=$T/dot
echo 'v=sourced; echo "in $1"; return 4; echo no' >$f
. $f; echo $? $v
set -- arg; . $f
echo 'exit 3' >$f; (. $f; echo no); echo $?
(. /nodir/nofile; echo no) 2>/dev/null; echo $?
rm $f
