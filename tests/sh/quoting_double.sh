x=1
echo "$x" "\$x" "\"" "\\" "a\
b"
echo "`echo in`" "$(echo "nested \"q\"")"
echo "'$x'" '"$x"'
