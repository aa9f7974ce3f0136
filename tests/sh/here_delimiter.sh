# The delimiter of a here-document is its word as it stands, but for quotes.
x=E
cat <<$x
one $x
$x
cat <<${x}y
two $x
${x}y
cat <<a"$x"'b'\c
three $x
a$xbc
cat <<~/x
four $x
~/x
cat <<-"a\b\"c d"
	five $x
	a\b"c d
cat <<E*
six $x
E*
cat <<E\
F
seven $x
EF
cat <<$LINENO
eight $x
$LINENO
echo end
