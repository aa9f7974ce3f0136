echo a; echo b;
echo c
{ echo d; echo e; }
{ echo f
echo g
}
(echo h; echo i)
