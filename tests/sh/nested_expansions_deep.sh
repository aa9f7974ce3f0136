a=1 b= c=xyz
echo ${a:-${b:-${c}}} ${b:-${a:-$c}} "${b:-"${c%z}"}" ${u-${v-${w-deep}}}
echo ${c#${c%yz}} ${c%${c#x}} ${b:+no}${a:+yes}
echo "$(echo "$(echo "$(echo deep)")")" $(echo $(echo `echo mix`))
echo $(( $(echo 2) * ${a} + $((3)) )) ${c:-$((1/0))}
echo ${#c} ${#b} ${#a}${#u}
echo "${c:-'}'}" ${u:-\}} "${u:-}}"
