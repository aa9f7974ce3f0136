f=$T/script
printf '#!/bin/sh\necho "$#:$*"\nexit 6\n' >$f
sh $f a b; echo $?
chmod 755 $f; $f c; echo $?
rm $f
