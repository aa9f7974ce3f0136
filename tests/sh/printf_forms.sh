printf '%d|%5d|%-5d|%05d|%+d|% d\n' 1 2 3 4 5 6
printf '%x %X %o %#x %#o %u\n' 255 255 8 255 8 7
printf '%s|%10s|%-10s|%.2s|%5.1s|\n' abc abc abc abc abc
printf '%c%c%c\n' abc d ''
printf '100%%\n'
printf '%d %d %d\n' 0x10 010 "'A"
printf '%s\n' 'a\nb' ; printf '%b\n' 'a\tb\\' 'c\0101'; printf 'x%by\n' 'a\cb' z
printf '%*d|%-*d|%.*s|\n' 4 7 4 7 2 abc
