for x in a f o : [ 'f]' ':]' 'fa]' 'a]'; do
  for p in '[[:foo:]]' '[![:foo:]]' '[[:foo:]a]' '[[:digit:][:foo:]]'; do
    case $x in $p) echo "$x $p" ;; esac
  done
  case $x in [[:foo:]]) echo "$x literal" ;; esac
done
