alias e='echo aliased'
e one
alias s='sed ' x='s/a/b/'
echo a | s x
alias two='echo a; echo b'
two
alias loop='loop2' loop2='echo end'
loop
'e' 2>/dev/null || echo quoted
\e 2>/dev/null || echo escaped
unalias e; e 2>/dev/null || echo gone
alias nosuch 2>/dev/null || echo none
alias if_='if true; then'
if_ echo yes; fi
