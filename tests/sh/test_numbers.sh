t() { "$@" 2>/dev/null; echo $?; }
t [ 1 -eq 1 ]; t [ 1 -ne 1 ]; t [ 1 -lt 2 ]; t [ 2 -le 1 ]; t [ 3 -gt 2 ]; t [ 1 -ge 2 ]
t [ -1 -lt 0 ]; t [ 010 -eq 10 ]; t [ ' 5' -eq 5 ]; t [ x -eq 1 ]; t [ 1 -eq ]
t [ a = a; t [ 1 2 3 4 ]
