sh -n -c 'echo no'; echo $?
sh -n -c 'if' 2>/dev/null; echo $?
