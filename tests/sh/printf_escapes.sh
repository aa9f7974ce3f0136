printf 'a\tb\nc\\d\101\60\n'; printf '\a\b\f\v\r' | wc -c
printf 'no newline'; echo; printf ''; printf '\n'
printf "%s\n" "\t"; printf '\x41' >/dev/null; printf '%s' a b c; echo
printf '%s-%s\n' a b c; printf '%d\n'; printf '%s|\n'; printf 'plain\n' extra
printf -- '-x\n'; printf '%b' 'one\ntwo\n'; printf '%b|' '\0' | wc -c
printf '%5b|%-6b|\n' 'a\tb' 'x'
