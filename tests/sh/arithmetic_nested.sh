x=2
echo $(($((1+1))*$(echo 3))) $((${x}+`echo 4`))
echo $((
 1 +
 2
))
echo $((x==2?10:20)) $((x>1&&x<3))
i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i
