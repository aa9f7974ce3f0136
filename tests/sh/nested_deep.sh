echo $(echo $(echo $(echo $(echo $(echo five)))))
( ( ( ( ( echo sub ) ) ) ) )
{ { { { echo brace; }; }; }; }
x=$( (echo a; (echo b)) | { read p; read q; echo $q$p; } ); echo $x
if if true; then true; fi; then echo yes; fi
