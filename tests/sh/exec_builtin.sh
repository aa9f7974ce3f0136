(exec echo replaced; echo no)
(exec sh -c 'exit 4'); echo $?
(exec nosuchcommand; echo no) 2>/dev/null; echo $?
exec 5>&1; echo five >&5; exec 5>&-
(exec >/dev/null; echo gone); echo back
