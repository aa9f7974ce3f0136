v=outer
show() { echo "$v $1 $#"; }
(v=inner; show a b) | cat
{ v=brace; show; } | cat; show
x() { local v=loc; show q | cat; }
x
set -- p1 p2; { echo $1 $#; set -- z; echo $1; } | cat; echo $1
r=7; readonly r; { echo $r; } | cat
alias al='echo aliased'
{ eval 'al x'; } | cat
