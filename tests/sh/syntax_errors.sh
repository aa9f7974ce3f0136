for s in 'if' 'fi' 'echo )' 'echo a | | b' '&& a' 'for in' 'case x' 'a ;; b' '{ echo' '( echo' 'echo "a' "echo 'a" 'f( {' '| a' ';' 'while do done' 'echo $(' 'if true; then fi' '}' 'then' 'echo >' 'echo <' 'a &&' ; do
  sh -c "$s" 2>/dev/null; echo "$? $s"
done
