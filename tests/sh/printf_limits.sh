# Numbers of printf at the ends of their ranges and beyond, and the beginnings of what is none.
for x in -9223372036854775808 -9223372036854775809 9223372036854775807 9223372036854775808 18446744073709551615 \
  18446744073709551616 99999999999999999999 0xffffffffffffffff 0x1ffffffffffffffff -0x8000000000000000 -1 ' -5' ' 5 ' \
  01777777777777777777777 07777777777777777777777 12x 010x 0x1fz 08 0x - ''; do
  for form in d i u o x X; do printf "%$form " "$x" 2>/dev/null; printf '%s ' $?; done; echo
done
printf '%d|%u|%x|%f|%.1f|%e\n' "'A" '"B' "'C" "'A" '"B' "'C"; echo $?
printf '%f|%g|%.2f|%f|%f\n' 12x 1.5e1z .5q -x '' 2>/dev/null; echo $?
printf '%f|%d\n' "'" '"'; echo $?
