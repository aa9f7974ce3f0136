for v in a.b '[x]' 'a b' '' '\' '*' ab1; do
  case "$v" in
    '') echo empty;; "a b") echo space;; \[*\]) echo bracket;; \\) echo backslash;;
    *.*) echo dot;; \*) echo star;; [a-z]*[0-9]) echo alnum;; *) echo other;;
  esac
done
case $(echo sub) in s*b) echo sub;; esac
case a in b) ;; a) echo a; esac
case a in a) echo 1;; a) echo 2;; esac
case "$u" in "") echo unset;; esac
