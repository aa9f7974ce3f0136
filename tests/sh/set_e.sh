(set -e; true; echo a; false; echo b); echo $?
(set -e; if false; then :; fi; echo c)
(set -e; false || true; echo d)
(set -e; ! true; echo e)
(set -e; false && true; echo f)
(set -e; f() { false; echo g; }; f; echo h); echo $?
(set -e; f() { false; echo i; }; f || echo no)
(set -e; while false; do :; done; echo j)
(set -e; x=$(false); echo k); echo $?
(set -e; (exit 3); echo l); echo $?
(set -e; true | false; echo m); echo $?
