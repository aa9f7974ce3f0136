f=$T/er
(exec >$f; echo to file; echo more); cat $f
(exec 2>$f; nosuchcmd; echo out); [ -s $f ] && echo err
(exec <$f; read l; [ -n "$l" ] && echo line)
(exec 3>$f 4<$f; echo x >&3; read y <&4; echo $y)
(exec >/nodir/x; echo no) 2>/dev/null; echo $?
rm $f
f=$T/ec
(command exec >$f; echo kept); cat $f
(command -- exec 3>$f; echo x >&3; command exec 3>&-; (echo y >&3) 2>/dev/null || echo closed); cat $f
command exec 3</nodir/x 2>/dev/null; echo goes on
rm $f
