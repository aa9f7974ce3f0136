(set -e; f() { false; echo f; }; f && echo and; echo after); echo $?
(set -e; f() { return 3; }; f; echo no); echo $?
(set -e; f() { (exit 2); echo no; }; f || echo $?; echo end)
(set -e; f() { set +e; false; echo in; }; f; false; echo out); echo $?
(set -e; f() { g; echo f; }; g() { false; }; f; echo no); echo $?
(set -e; f() { if false; then :; fi; }; f; echo zero)
(set -e; until false; do break; done; echo until)
