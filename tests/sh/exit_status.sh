nosuchcommand 2>/dev/null; echo $?
/nodir/nofile 2>/dev/null; echo $?
echo '#' >$T/x; chmod 644 $T/x; sh -c 'exit 200'; echo $?; rm $T/x
true; echo $?; false; echo $?
sh -c 'nosuchcommand' 2>/dev/null; echo $?
