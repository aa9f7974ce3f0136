echo if then else fi do done case esac { } ! in
for in in in; do echo $in; done
x=if; echo $x
case in in in) echo in;; esac
case if in if) echo if;; esac
