(set -e; f() { false; echo in f; }; if f; then echo yes; fi; echo after)
(set -e; { false; echo no; } || echo rescued)
(set -e; for i in 1 2; do false || continue; done; echo loop)
(set -e; case x in x) false;; esac; echo no); echo $?
(set -e; eval false; echo no); echo $?
(set -e; false | true; echo piped)
(set -e; ! false; echo neg); (set -e; (false) || true; echo subs)
(set -e; x=1; [ $x = 2 ] && echo eq; echo last)
sh -ec 'trap "echo trapped" EXIT; false; echo no'; echo $?
(set -e; (set +e; false; echo inner); echo outer)
(set -e; true | (false; echo no)); echo $?
