sh -c 'echo first
echo second
fi
echo never' 2>/dev/null
echo $?
