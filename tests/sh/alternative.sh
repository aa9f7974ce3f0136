unset u; x=1 e=
echo "[${u+a}]" "[${x+a}]" "[${e+a}]" "[${e:+a}]" "[${x:+$x$x}]"
set -- ${x:+a b} "${x:+a b}"; echo $#
