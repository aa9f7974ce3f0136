# Three and four words of test are read by their count, not by precedence.
t() { test "$@" 2>/dev/null; printf '%s ' $?; }
t ! a -o b; t ! a -a ''; t ! '' -o ''; t ! a; t ! ''; t ! ! a; t ! -n ''; t ! a = b; t ! a = a; echo
for x in '!' '(' ')' -n -a = ''; do t '(' "$x" ')'; t '(' -n "$x" ')'; t '(' ! "$x" ')'; t ! '(' "$x" ')'; done; echo
t '(' = '('; t '(' = ')'; t ! = '!'; t = = =; t ! '(' = '('; t '(' '(' a ')'; t '(' a; t '(' a b ')'; echo
t ! ! '' -a ''; t ! '' -a '' -o a; t '(' '(' a ')' ')'; t -n = -n -a a; t a -o ''; echo
[ ! a -o b ]; echo $?; [ '(' '!' ')' ]; echo $?
