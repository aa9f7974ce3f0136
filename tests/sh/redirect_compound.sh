f=$T/comp
for i in 1 2; do echo $i; done >$f; cat $f
if true; then echo t; fi >>$f; cat $f
(echo sub) >$f; cat $f
{ echo brace; } >$f; cat $f
while read x; do echo "w$x"; done <$f
case x in x) echo case;; esac >$f; cat $f
fn() { echo function; } >$f
fn; cat $f
rm $f
