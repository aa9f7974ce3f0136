d=$T/test; mkdir $d; f=$d/f; echo x >$f; >$d/empty
t() { "$@"; echo $?; }
t [ -e $f ]; t [ -f $f ]; t [ -d $f ]; t [ -d $d ]; t [ -f $d ]; t [ -s $f ]; t [ -s $d/empty ]; t [ -e $d/none ]
t [ -r $f ]; t [ -w $f ]; t [ -x $f ]; chmod 755 $f; t [ -x $f ]; t [ ! -e $d/none ]; t [ -L $f ]; t [ -t 0 ]
rm -r $d
