# set -e holds in $(...) whatever is asked of the command it stands in.
f() { false; echo go; }
(set -e; y=$(f) || echo failed); (set -e; if y=$(f); then echo yes; else echo "no $y"; fi)
(set -e; y=`f` && echo no; echo "on $y"); (set -e; ! y=$(f); echo "$? $y")
(set -e; while [ -z "$(f)" ]; do echo empty; break; done); (set -e; echo "$(f)" || :; echo said)
(set -e; f || echo no; y=$(f || echo no) || echo no; echo "$y")
(set -e; y=$( (f) ) || echo inner; y=$(set +e; f) && echo "$y"; { f; } || echo no)
(set -e; case $(f) in go) echo went;; *) echo ended;; esac || :)
