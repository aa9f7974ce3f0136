d=$T/glob
mkdir $d; cd $d
touch a.c b.c c.h .hidden
echo *; echo *.c; echo ?.h; echo [ab].c; echo [!a].c; echo .h*
echo *.none '*'.c "*" \*.c
x='*.c'; echo $x "$x"
mkdir sub; touch sub/x.c
echo */ ; echo */*.c; echo s*/x.c; echo s*/none
set -f; echo *.c; set +f
cd /; rm -r $d
