case a in a) false;; esac; echo $?
case a in b) false;; esac; echo $?
false; case a in a) echo $?;; esac
f() { case $1 in x) return 4;; esac; echo no; }
f x; echo $?
