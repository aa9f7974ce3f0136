t() { "$@"; echo $?; }
t [ a = a ]; t [ a = b ]; t [ a != b ]; t [ -z '' ]; t [ -n '' ]; t [ -n x ]; t [ x ]; t [ '' ]; t [ ]
t test a = a; t test; t [ ! a = a ]; t [ ! '' ]; t [ '(' = '(' ]; t [ -n = -n ]; t [ ! ]
t [ a = a -a b = b ]; t [ a = b -o b = b ]; t [ ! a = b -a c = c ]; t [ '(' a = b ')' -o x ]
t [ -n ]; t [ = ]
