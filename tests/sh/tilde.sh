HOME=/home/me
echo ~ ~/x "~" '~' a~ \~
x=~; echo $x
x=~/a:~/b; echo $x
echo ${u:-~}
echo ~/"a b"
