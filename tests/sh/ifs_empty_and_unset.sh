x='a b	c'
IFS=; for i in $x; do echo "[$i]"; done; set -- a b; echo "$*" $*
unset IFS; for i in $x; do echo "[$i]"; done; echo "$*"
IFS=x; y=axbxc; echo $y "$y"; set -- $y; echo $# "$*"
IFS=' '; echo $x
IFS=' 	
'; echo $x
