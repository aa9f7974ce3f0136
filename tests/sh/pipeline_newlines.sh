echo a |
  # a comment
  cat |

  sed s/a/b/
true &&
  echo and ||
  echo or
echo x | while read y
do echo "got $y"
done | cat
for i in 1 2; do echo $i; done | { read a; read b; echo $a$b; }
