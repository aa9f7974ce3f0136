(set -e; false | true; echo a)
(set -e; true | false || echo b; echo c)
(set -e; ! true | false; echo d)
(set -e; ! true | true; echo e)
(set -e; { false; true; } | cat; echo f)
(set -e; echo x | { read y; false; echo no; }; echo no); echo $?
(set -e; echo x | while read y; do false; done; echo no); echo $?
