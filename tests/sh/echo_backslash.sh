echo 'a\tb' "\\a"
echo 'x\cy'
