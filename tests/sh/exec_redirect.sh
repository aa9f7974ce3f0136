f=$T/er
(exec >$f; echo to file; echo more); cat $f
(exec 2>$f; nosuchcmd; echo out); [ -s $f ] && echo err
(exec <$f; read l; [ -n "$l" ] && echo line)
(exec 3>$f 4<$f; echo x >&3; read y <&4; echo $y)
(exec >/nodir/x; echo no) 2>/dev/null; echo $?
rm $f
