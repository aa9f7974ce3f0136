loop() { echo "function $1"; }; back() { echo "back $1"; }; both() { echo "both $#"; }; here() { echo "here $#"; }
alias ll='echo hi' say='echo said' pre='say ' w='world' limit='echo the limit'
x=$(ll); echo "[$x]"; x=`ll there`; echo "[$x]"; limit
echo "$(ll; ll)" "`ll`" $(pre w; ll | sed s/h/b/)
echo "${x:-"$(ll)"} ${none:-"$(ll) a"b} ${none:-$(ll) c}" "$(echo "$(ll)" `ll`)"
alias loop='echo "$(loop one) two"' back='echo `back three`' both='echo $(both) `both` $(($(both | tr -dc 0) + 1))'
loop; back; both; \both 1 2; echo $(loop) $(loop)
alias here='cat <<E
$(here 1) $(ll) $((1 + $(back | tr -dc 3) 1))
E
'
here
cat <<E
$(ll) `ll` $((2 + $(ll | tr -dc i | wc -c)))
E
alias twice='say a; say b' say2='twice; twice' one=1
twice; say2; echo $(one 2>/dev/null || echo none) $((one=4)) $(alias one)
f() { y=$(ll in f); echo "$y"; }; unalias ll; f; ll 2>/dev/null; echo $?; echo $(ll 2>/dev/null) $?
alias c='case $(say x) in' ifs='if [ "$(say y)" = "said y" ]; then'
c *x) echo case ;; esac; ifs echo yes; fi
(say sub); { say brace; }; eval 'echo $(say eval)'; z=$(eval 'say deep'); echo "$z"
alias long='say a b c d e f g h' pre2='long ' d=D z=Z
pre2 z d; echo $(pre2 z d)
