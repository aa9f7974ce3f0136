x='a*'
case 'a*' in $x) echo 1;; esac
case abc in $x) echo 2;; esac
case abc in "$x") echo 3;; *) echo 4;; esac
case 'a b' in a\ b) echo 5;; esac
case "a b" in "a "*) echo 6;; esac
case ']' in []]) echo 7;; esac
case '-' in [a-]) echo 8;; esac
case x in [!a-c]) echo 9;; esac
case .x in *) echo 10;; esac
case a/b in a*b) echo 11;; esac
