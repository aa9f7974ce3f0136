printf '%d\n' abc 2>/dev/null; echo $?
printf '%d\n' 12x 2>/dev/null; echo $?
printf '%d %s\n' 1 a 2 2>/dev/null; echo $?
printf '%i\n' -5; printf '%d\n' '' ; echo $?
printf '%f %.2f %e %g\n' 1.5 2.345 12345.678 0.0001
printf '%s %d\n' a 1 b 2 c
