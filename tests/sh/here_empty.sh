cat <<E
E
echo done
cat <<'E E'
a
E E
cat <<E
line\
joined
E
