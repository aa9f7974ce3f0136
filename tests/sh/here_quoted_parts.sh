v=value
cat <<"E F"
$v
E F
cat <<E\F
$v `no`
EF
cat <<''
until the empty line

cat <<E
${v#va} ${v:+"q"} ${u-"d q"} "$v" '$v'
E
cat <<E
a\
b
c\\
d
E
