# set +o prints commands that set the options as they are.
set -u; saved=$(set +o); set -f +u; eval "$saved"
case $- in *f*) echo f;; esac; case $- in *u*) echo u;; esac
for line in 'set +o errexit' 'set +o noglob' 'set -o nounset'; do
  case "$saved" in *"$line"*) echo "$line";; *) echo "no $line";; esac
done
