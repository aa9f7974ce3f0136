# Directories in CDPATH are searched, but for names from / . and ..; one found there is told.
cd "$T"; mkdir -p cdp/one/x cdp/one/sub cdp/two/sub cdp/sub/y; cd cdp; top=$PWD
at() { echo "$? ${PWD#"$top"}"; cd "$top"; }
CDPATH=$top/one; y=$(cd x); echo "${y#"$top"}"; cd x >/dev/null; at; cd sub >/dev/null; at; cd ./sub; at; cd two; at
cd sub/../x >/dev/null; at; cd one; cd ../x 2>/dev/null; at; cd nope 2>/dev/null; at
CDPATH=:$top/one; cd sub; at; cd x >/dev/null; at
CDPATH=none:$top/two:$top/one; cd sub >/dev/null; at
CDPATH=one; cd x >/dev/null; at
CDPATH=$top/one/; cd sub >/dev/null; at; CDPATH=; cd sub; at
cd "$T"; rm -r cdp
