if cat <<A; then echo yes; fi
in if
A
while read x; do echo "[$x]"; done <<A
one
two words
A
case $(cat <<A
word
A
) in word) echo matched;; esac
! cat <<A
negated
A
echo $?
