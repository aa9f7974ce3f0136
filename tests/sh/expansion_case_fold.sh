opt=--name=value
case $opt in --*=*) k=${opt%%=*}; v=${opt#*=}; echo ${k#--} $v;; esac
list='a b c'
for i in $list; do case " $list " in *" $i "*) echo has $i;; esac; done
csv=1,2,3; IFS=,; set -- $csv; unset IFS; echo $3$2$1
