printf '%+d % d %#x %#o\n' 5 5 255 8
printf '%*d|%-*d|\n' 5 42 5 42
printf '%.3d %8.3d|\n' 5 5
printf '%s' no newline; echo
printf '%b' 'stop\chere'; echo
printf '%d\n' abc 2>/dev/null; echo $?
printf '%.2f %5.1f %e\n' 3.14159 2.55 1500
printf '%s\n' "$(printf 'a\nb')"
printf -- '-x\n'
