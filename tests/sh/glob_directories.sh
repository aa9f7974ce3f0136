mkdir -p $T/gd/a/x $T/gd/b/y $T/gd/.c/z; cd $T/gd; : >a/f; : >b/f; : >b/y/f
echo *; echo */; echo */f; echo */*; echo */*/; echo ./*; echo a/../*; echo */*/f; echo .*/z; echo nosuch/*; echo a//*
echo "$PWD"/* | sed "s|$T|T|g"; echo ?; echo ??; echo "*"/f; echo a/"f"*; echo */"*"
cd $T; rm -r gd
