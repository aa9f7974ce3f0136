alias hi='echo hello'
hi there
alias e='echo ' w='world'
e w
alias hi
unalias hi
hi 2>/dev/null; echo $?
alias ls='ls -l'; alias ls
alias nosuchalias 2>/dev/null; echo $?
