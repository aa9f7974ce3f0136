cat <<E | while read a; do echo "p $a"; done
x
y
E
f() {
cat <<E
in $1
E
}
f one; f two
echo $(cat <<E
sub
E
)
