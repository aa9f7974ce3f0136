for i in 1 2; do
cat <<E
i=$i
E
done
while read a; do
  cat <<E | cat
[$a]
E
done <<E
x
y
E
f() { cat <<-E; }
	from $1
	E
f fn | cat
(cat <<E
sub $(echo $((1+1)))
E
) | { read l; echo "got $l"; }
