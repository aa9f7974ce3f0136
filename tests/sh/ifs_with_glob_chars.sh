mkdir $T/ifsg; cd $T/ifsg; : >ab; : >cd
IFS='*'; x='a*b'; set -- $x; echo $# "$1" "$2"
IFS=-; x='a-*'; set -- $x; echo $# $1 $2
IFS=' '; x='* a*'; echo $x; echo "$x"
IFS=b; y=ab; echo $y; echo a*
cd "$T"; rm -r ifsg
