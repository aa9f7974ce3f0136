sh -c 'echo $0 $1 $#' name a b
sh -c 'echo $#' 
sh -c 'echo "$@"' x 1 '2 3'
sh -ec 'false; echo no'; echo $?
sh -uc 'echo $nope' 2>/dev/null; echo $?
echo 'echo from stdin $1' | sh -s arg
echo 'echo piped' | sh
