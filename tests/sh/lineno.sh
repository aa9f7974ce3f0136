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
echo "${LINENO:-x}" ${LINENO-x} ${LINENO:+is} ${#LINENO}
echo $((LINENO)) $((LINENO+1)) $((
  2*LINENO))
XLINENO=9
f() { echo $((LINENO)); }; f
x=$((LINENO)); echo $x
echo ${LINENO%1}${XLINENO#9}$((LINENO%2)) $((XLINENO=4)) 2>/dev/null
