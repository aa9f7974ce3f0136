path=/usr/bin:/bin:/sbin
while [ -n "$path" ]; do
  head=${path%%:*}
  case $path in *:*) path=${path#*:};; *) path=;; esac
  echo "$head"
done
rev=; w=hello
while [ -n "$w" ]; do rev=${w%"${w#?}"}$rev; w=${w#?}; done; echo $rev
