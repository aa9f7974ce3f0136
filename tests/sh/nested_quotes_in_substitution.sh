echo "a$(echo "b c")d" "$(printf '%s|' "x y" z)"
echo "$(echo ')')" "$(echo "a)b")" $(echo \))
echo "`echo "in \"q\""`" "$(case x in (x) echo paren;; esac)"
echo "$(case x in x) echo bare;; esac)"
x="a b"; echo $(echo "$x"; echo $x) "$(echo "$x" | sed "s/ /-/")"
echo "${x+"$(echo "${x}")"}"
