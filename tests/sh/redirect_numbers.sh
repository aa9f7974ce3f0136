f=$T/num
{ echo out; echo err >&2; } >$f 2>&1; cat $f
{ echo out; echo err >&2; } 2>/dev/null
{ echo out; echo err >&2; } 2>&1 >/dev/null
exec 3>$f; echo three >&3; exec 3>&-; cat $f
exec 4<$f; read x <&4; echo $x; exec 4<&-
echo x 1>&2 2>/dev/null
rm $f
