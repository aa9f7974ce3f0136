p=/usr/local/lib/a.tar.gz
echo ${p##*/} ${p#*/} ${p%/*} ${p%%/*}
f=${p##*/}
echo ${f%.*} ${f%%.*} ${f#*.} ${f##*.}
x=aaa
echo ${x#a} ${x##a} ${x%a} ${x%%a} "[${x##a*}]" "[${x%%*}]" ${x#b}
