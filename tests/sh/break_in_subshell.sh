for i in 1 2; do (echo in $i; break); echo $i; done
for i in 1 2 3; do eval 'case $i in 2) break;; esac'; echo e$i; done
f() { for i in 1 2; do eval 'return 3'; done; }
f; echo $?
for i in 1 2; do echo x | while read l; do break; done; echo o$i; done
while :; do { break; }; done; echo out
