echo $ a$ "$" "a$" $, '$'
echo "$%" \$ "\$HOME"
x=1; echo $x$ $x.$x
