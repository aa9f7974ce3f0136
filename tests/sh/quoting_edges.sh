echo a'b'"c"\d$'' 2>/dev/null | cat >/dev/null
printf '%s\n' "\$ \` \" \\ \a \n" '\$ \\' \$ \\ \a
echo "a
b" 'c
d' e\
f
echo "" '' "a"'' | wc -c
x='a"b'; echo "$x" $x; y="it's"; echo $y "$y"
echo "${x}"'$x'"$x"; echo "$"x "$ " $ "a$"
echo ~ "~" '~' a~ \~ | sed "s|^$HOME |H |"
