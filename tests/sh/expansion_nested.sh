x=abcdef; y=ef
echo ${x%$y} ${x%"$y"} ${x#${x%?}} "${x#"${x%?}"}"
echo ${u:-${v:-${w:-deep}}} ${u:=${x#ab}} $u
z='*'; echo "${x##$z}" "${x##"$z"}" ${x#a?}
echo ${x:+${y:+both}} "${x:+"${y}"}"
n=x; eval echo \$$n \"\${$n%f}\"
