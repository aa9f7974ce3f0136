t() { case $1 in [a-c]*) echo abc;; ?) echo one;; *.txt|*.md) echo text;; "*") echo star;; [!0-9]) echo nd;; '') echo empty;; \?x) echo q;; *) echo other;; esac; }
for w in apple x file.txt '*' '' '?x' 12 zz.md 7; do t "$w"; done
p='a*'; case abc in $p) echo var;; esac; case 'a*' in "$p") echo quoted;; esac; case abc in "$p") echo no;; *) echo lit;; esac
case ']' in []]) echo bracket;; esac; case - in [a-]) echo dash;; esac; case '!' in [!a]) echo neg;; esac
case a/b in a*b) echo slash;; esac; case .x in *) echo dot;; esac
case x in (x) echo paren;; esac; case x in y);; x) ;; esac; echo $?
case $(echo multi line) in 'multi line') echo ml;; esac
