echo a   b
echo 'a   b' "c   d" e\ \ f
echo '' "" x
echo -n no newline; echo
echo a'b'c"d"e
echo "it's" 'a "b"'
echo a\
b
