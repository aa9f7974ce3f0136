exec 2>/dev/null
echo x >/nodir/file
echo "status $?"
cat </nodir/file && echo not
echo after
{ echo y; } >/nodir/file; echo $?
