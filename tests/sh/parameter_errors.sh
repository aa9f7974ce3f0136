(echo ${u?}; echo no) 2>/dev/null; echo $?
(echo ${u:?message}; echo no) 2>/dev/null; echo $?
(e=; echo ${e?ok}set; echo ${e:?}; echo no) 2>/dev/null; echo $?
(set -u; echo ${u-def} ${u:+x}; echo $u; echo no) 2>/dev/null; echo $?
(set -u; echo "$*" $#; echo $1; echo no) 2>/dev/null; echo $?
(readonly r=1; r=2; echo no) 2>/dev/null; echo $?
