set -- a "b c" d
echo $1 $2 $3 "[$4]" $#
shift; echo $1 $#
shift 2; echo $#
set -- 1 2 3 4 5 6 7 8 9 ten eleven
echo $10 ${10} ${11}
