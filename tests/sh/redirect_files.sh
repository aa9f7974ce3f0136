f=$T/redir
echo one >$f; cat $f
echo two >>$f; cat $f
cat <$f
>$f; cat $f
echo three > $f; read x <$f; echo $x
>|$f echo four; cat <$f
rm $f
