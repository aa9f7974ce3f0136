mkdir $T/gq; cd $T/gq; : >'a*b'; : >axb; : >'q?'; : >qq; : >'b\c'
echo a\*b; echo 'a*'b; echo a"*"b; echo a*b; echo q\?; echo q?; printf '%s\n' b\\* 'b\'*
x='a\*b'; printf '%s\n' $x; y='*'; echo $y"*"; echo "$y"; echo a$y; z=a\*; echo $z
for i in a\**; do echo "$i"; done
cd $T; rm -r gq
