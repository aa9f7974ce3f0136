x=$(cat <<A
a "quoted" `echo back` $(echo sub)
$((2*3)) \$x \\ \`
A
)
printf "%s\n" "$x"
y=`cat <<'A'
$raw \n
A
`
printf "%s\n" "$y"
echo "$(cat <<A; echo after
body
A
)"
