d=$T/gm; mkdir $d $d/a $d/b; cd $d
touch a/1 a/2 b/1 'sp ace' x.y .dot '[z]'
echo a/* b/* */1; echo *' '*; echo .*t; echo \[*; echo '['*; echo [[]z]
for f in *; do echo "<$f>"; done
p='a/*'; echo $p "$p"; echo "a/"*; echo a/?; echo ./a/*; echo *//1
set -- *.none; echo $1; case x.y in *.y) echo match;; esac
cd /; rm -r $d
