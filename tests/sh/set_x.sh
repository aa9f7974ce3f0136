exec 2>&1
set -x
echo a b
x=1
x=2 true
set +x
echo done
