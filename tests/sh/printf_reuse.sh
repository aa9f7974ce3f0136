printf '%s=%s;' a 1 b 2 c; echo
printf '%d,' 1 2 3; echo
printf 'x%%y\n'; printf '%s\n' '%d'; printf '\060\n'
printf '%3d|%-3d|%03d|%+d\n' 1 2 3 4 5 6 7 8
printf '%10.3s|\n' abcdef; printf '%c%c\n' xyz abc
printf '%s %s\n' only; printf '[%s]' ; echo
printf '%x\n' -1; printf '%u\n' -1; printf '%i\n' +5
