x='a b'
echo "${x#'a'}" "${x%"b"}" "${u-'q'}" ${u-'q r'}
echo "${u-"dq $x"}" "${u-\}}" "${u-a\"b}"
echo ${u:-$x} "${u:-${v:-deep}}"
echo "${u+x}${x+'y'}"
