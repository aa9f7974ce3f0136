exec 2>/dev/null
(echo $((1/0)); echo no); echo $?
(echo $((1+)); echo no); echo $?
(x=abc; echo $((x)); echo no); echo $?
echo ok
