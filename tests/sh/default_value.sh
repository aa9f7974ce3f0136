unset x; e=
echo "${x-d}" "${x:-d}" "${e-d}" "${e:-d}"
x=v
echo ${x-d} ${x:-d}
echo ${u:-a b c}
set -- ${u:-a b c}; echo $#
set -- "${u:-a b c}"; echo $#
set -- ${u:-"a b" c}; echo $#
