cd /; pwd; cd /tmp; pwd; echo $PWD $OLDPWD
cd -; pwd
cd .; pwd; cd ..; pwd
HOME=/tmp; cd; pwd
cd /nodir 2>/dev/null; echo $?; pwd
d=$T/cd; mkdir $d; cd $d; pwd; cd ..; rmdir $d; pwd
