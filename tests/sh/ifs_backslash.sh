IFS='\'; x='a\b\c'; set -- $x; echo $#; for i; do printf '[%s]' "$i"; done; echo
IFS=' '; x='a\ b'; set -- $x; echo $#; printf '[%s]' "$@"; echo
printf '%s\n' 'p\q r' | { IFS='\' read -r a b; printf '<%s><%s>\n' "$a" "$b"; }
printf '%s\n' 'p\q r' | { read a b; printf '<%s><%s>\n' "$a" "$b"; }
