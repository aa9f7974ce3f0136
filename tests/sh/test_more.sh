t() { "$@"; echo $?; }
t [ ! -z x ]; t [ ! -n x ]; t [ -z = '' ]; t [ '' = '' ]; t [ '(' x ')' ]; t [ '!' '!' '!' ]; t [ ! = x ]
t [ 1 -eq 1 -a 2 -eq 2 ]; t [ 1 -eq 2 -o 2 -eq 2 -a 1 -eq 1 ];
t [ -n "$nothing" ]; t [ "$nothing" ]; t [ -- ]; t test -f /nodir; t test ! -f /nodir
