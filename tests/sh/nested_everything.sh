f() {
  for i in "$@"; do
    case $i in
      a*) if [ ${#i} -gt 2 ]; then echo "long $i"; else echo "short $i"; fi;;
      *) while :; do echo "other $i"; break; done;;
    esac
  done
}
f a abc b | while read k v; do (echo "$v:$k"); done
