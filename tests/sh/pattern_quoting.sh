x='a*b*c'
echo ${x#a\*} ${x#'a*'} ${x#"a*"} ${x%'*'c}
y='a*'
echo ${x#"$y"} ${x##$y}
z='[x]y'
echo ${z#\[x]} ${z#[[]}
