HOME=/h; cd $T; touch f1 w=f; v="a  b"
f() { local z=$1; echo "$z"; }; f "p q"; f "see -x"; f
export w=~ e=$v:~ g=w=* h=*; echo "$w $e $g $h"; sh -c 'echo "$w $e"'
g() { local a=$@ b="$@" c=$* d=${n:-p  q} e=~/x:~ f='~' g="~":\~ h i=$(echo "x  y") j=$((1 + 2)); echo "$a|$b|$c|$d|$e|$f|$g|${h-unset}|$i|$j"; }
g "1  2" 3; g
IFS=:; h() { local a=$1 b=$*; echo "$a|$b"; }; h x:y z; unset IFS
readonly r=$v s="$v"*; echo "$r|$s"
i() { local x=$v; echo "$x"; }; i
command export k=$v l=~; echo "$k|$l"; "export" m=$v; echo "$m"; \export n=$v; echo "$n"
{ export o=$v; echo "$o"; } | cat; export p=$v | cat; (local q) 2>/dev/null; echo $?
export x1=$(echo a  b) x2=`echo c  d`; echo "$x1|$x2"
j() { local $1; echo "$y1|$y2"; }; j "y1=1 y2=2"; export $(echo t1=1 t2=2); echo "$t1 $t2"
(export "bad name=$v"; echo no) 2>/dev/null; echo $?
echo export w=~ x=$v; rm f1 w=f
