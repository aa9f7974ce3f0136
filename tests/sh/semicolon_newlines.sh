if true; then

echo a

fi
for i in 1
do

echo $i
done

case a in

a)
 echo x
 ;;

esac
f()

{
echo f
}
f
true &&

echo c
