t() { "$@"; echo $?; }
t [ a == a ]; t [ a == b ]; t test '' == ''; t [ ! a == b ]
