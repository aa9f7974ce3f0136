mkdir $T/gb; cd $T/gb; : >a1; : >b2; : >c3; : >-d; : >.h; : >'[x]'; : >'a b'
echo [ab]*; echo [!ab]*; echo [a-c][0-9]; echo [[:alpha:]][[:digit:]]; echo \[x]; echo [[]*; echo '[x]'
echo [z]; echo [; echo ]; echo []*; echo [a; echo a]; echo [-]d; echo .[!.]*
for f in *; do printf '<%s>' "$f"; done; echo
x='[ab]*'; echo $x; echo "$x"; set -f; echo *; set +f
cd $T; rm -r gb
