sh /nodir/none 2>/dev/null; echo $?
