f() { OPTIND=1; while getopts :ab:c o "$@"; do echo "$o ${OPTARG:-}"; done; shift $((OPTIND-1)); echo "rest $*"; }
f -a -b val -c x y; f -abval rest; f -ab; f -z -a; f -- -a; f -a - -b; f; f -b '' x; f -ac -b v
OPTIND=1; while getopts ab: o -a -b 1 z; do echo $o; done; echo $OPTIND
