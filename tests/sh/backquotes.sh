echo `echo a`
echo `echo \`echo nested\``
x=1
echo `echo \$x` "`echo \"q\"`"
printf '%s\n' `printf %s '\\a'`
