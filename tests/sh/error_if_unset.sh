(echo ${nope?}) 2>/dev/null; echo $?
(echo ${nope:?message}) 2>/dev/null; echo $?
(echo ${nope?}; echo not) 2>/dev/null
x=1; echo ${x?no}
