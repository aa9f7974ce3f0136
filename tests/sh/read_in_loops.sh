printf '1 one\n2 two\n' >$T/rl
while read n w; do echo "$w=$n"; done <$T/rl
while read n w; do read n2 w2; echo "$n$n2"; done <$T/rl
exec 5<$T/rl; read a <&5; read b <&5; read c <&5 || echo end; echo "$a,$b,$c"; exec 5<&-
while read -r l || [ -n "$l" ]; do printf '<%s>\n' "$l"; done <<E
a
 b\c
E
{ read x; while read y; do echo "$x/$y"; done; } <$T/rl
rm $T/rl
