echo a # comment ' " $(
echo a#b '#'c "#d" \#e # f
if true # then
then # x
  echo yes # y
fi # z
for i in 1 2 # list
do echo $i
done
f() # name
{ # body
  echo f
}
f;: # end
case x in # c
  # between
  x) echo x # in
     ;; # after
esac
echo ${x:-#} ${#} $#
