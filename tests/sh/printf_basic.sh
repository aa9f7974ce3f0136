printf 'a\n'; printf '%s\n' x 'y z'; printf '%d %i\n' 42 -7; printf '%s-%s\n' a b c
printf '%5s|%-5s|%05d|%.2s|\n' ab cd 42 xyz
printf '%x %X %o %u %c\n' 255 255 8 3 hello
printf '\101\t\\x\n'; printf '%b|%b\n' 'a\tb' 'x\0101'
printf 'none\n' extra; printf '%s %d\n'
printf "%d %d\n" "'A" 0x10; printf '%d\n' 010
