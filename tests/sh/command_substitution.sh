echo $(echo a b) "$(echo 'a   b')"
x=$(printf 'a\n\n\n'); echo "[$x]"
x=$(printf '\n\na'); echo "[$x]"
echo $(echo $(echo deep))
echo "$(echo "a $(echo "b c")")"
y=$(exit 5); echo $?
