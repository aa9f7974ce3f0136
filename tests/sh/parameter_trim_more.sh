p=/usr/local/lib/file.tar.gz
echo ${p##*/} ${p%/*} ${p%.*} ${p%%.*} ${p#*/} ${p#/*/} ${p##*.}
x='a*b*c'; echo ${x#*\*} ${x##*\*} ${x%\**} ${x%%\**} "${x#a*}" "${x#'a*'}"
y=aaa; echo ${y#a} ${y##a*} ${y%a} [${y%%a*}] ${y#b} "${y%"a"}"
q='"x"'; echo ${q#\"} "${q%\"}" "${q#'"'}"
s='  sp  '; echo "[${s# }]" "[${s##* }]" "[${s%% *}]"
z=; echo "[${z#x}]" "[${u#x}]"; e='$x'; echo ${e#'$'}
