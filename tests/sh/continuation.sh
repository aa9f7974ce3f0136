echo one \
 two \
 three
if true; \
then echo yes; \
fi
