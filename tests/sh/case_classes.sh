for c in a Z 5 ' ' . _; do
  case $c in
    [[:lower:]]) echo lower;; [[:upper:]]) echo upper;; [[:digit:]]) echo digit;;
    [[:space:]]) echo space;; [[:punct:]]) echo punct;; *) echo none;;
  esac
done
case a1 in [[:alpha:]][[:digit:]]) echo ad;; esac
case ab in [![:digit:]]*) echo nd;; esac
case x] in ?]) echo close;; esac
case '[' in [[]) echo open;; esac; case '[a' in [*) echo lone;; esac
