x=hello
echo ${#x} ${#} ${#u}
set -- a b c
echo ${#} $# ${#1}
