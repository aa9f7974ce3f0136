s=0123456789abcdef
i=0; while [ $i -lt 13 ]; do s=$s$s; i=$((i+1)); done
echo ${#s}
x=$(printf %s "$s" | cat); echo ${#x}
x=$(printf %s "$s"); echo ${#x}
printf %s "$s" | { read y; echo ${#y}; }
y=${s%cdef}; echo ${#y}
