# The line of the script a command stands on.
echo $LINENO
echo "at ${LINENO}"
[ $LINENO -eq 4 ] && echo yes
for i in 1 2; do
  echo $i "$LINENO"
done
cat <<END
none
END
( echo $LINENO )
echo $(echo $LINENO)
f() { echo $LINENO; }; f
x=$LINENO; echo "$x${LINENO}x"
