(set -e; { false; }; echo no); echo $?
(set -e; (false); echo no); echo $?
(set -e; ! { true; }; echo bang)
(set -e; false || false || true; echo or)
(set -e; true && false || true; echo mixed)
(set -e; true && (false); echo no); echo $?
(set -e; for i in 1; do false; done; echo no); echo $?
(set -e; case 1 in 1) false || true;; esac; echo case)
(set -e; while ! false; do echo once; break; done; echo w)
(set -e; false & wait; echo bg)
(set -e; eval 'false || true'; echo ev)
(set -e; . /dev/null; echo dot)
