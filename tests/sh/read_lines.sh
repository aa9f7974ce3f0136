f=$T/lines
printf '1\n2\n\n4' >$f
while read l; do echo "<$l>"; done <$f
while IFS= read -r l || [ -n "$l" ]; do echo "{$l}"; done <$f
{ read a; cat; } <$f; echo
rm $f
