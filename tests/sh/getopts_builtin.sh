p() { OPTIND=1; while getopts ab:c o "$@"; do echo "$o ${OPTARG-}"; done 2>/dev/null; shift $((OPTIND-1)); echo "rest $*"; }
p -a -b val -c rest
p -abval x
p -ac -- -b
p -x
p -b
p
q() { OPTIND=1; while getopts :b: o "$@"; do echo "$o ${OPTARG-}"; done; }
q -b; q -z; q -b 1
