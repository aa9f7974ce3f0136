# Lua for user space: liblua.a (the core and its libraries, without lua.c and luac.c),
# its headers, and the sources in $OUT/src for whoever compiles an own main.
#
# Plain ISO C: no LUA_USE_* macro, so no popen and no dlopen. What swos sets instead
# stands in lua/swos_luaconf.h.

# CVE-2022-28805: a constant _ENV as the environment of a global name generated wrong code.
edit "$SRC/src/lparser.c" \
    '    lua_assert(var->k != VVOID);  /* this one must exist */' \
    '    lua_assert(var->k != VVOID); luaK_exp2anyregup(fs, var);'

# CVE-2022-33099: errors raised while handling errors used up the spare stack.
edit "$SRC/src/ldebug.c" \
    '    luaG_addinfo(L, msg, ci_func(ci)->p->source, getcurrentline(ci));' \
    '    { luaG_addinfo(L, msg, ci_func(ci)->p->source, getcurrentline(ci));
      setobjs2s(L, L->top - 2, L->top - 1); L->top--; }'
edit "$SRC/src/lvm.c" \
    '          luaG_runerror(L, "string length overflow");' \
    '          { L->top = top - total; luaG_runerror(L, "string length overflow"); }'
edit "$SRC/src/lvm.c" \
    "    L->top -= n-1;  /* popped 'n' strings and pushed one */" \
    "    L->top = top - (n - 1);  /* popped 'n' strings and pushed one */"

TARGET_CFLAGS="$TARGET_CFLAGS -include $HERE/lua/swos_luaconf.h"
compile "$OUT/lib/liblua.a" $(cd "$SRC" && ls src/*.c | grep -v -e '/lua\.c' -e '/luac\.c')

for header in lua.h luaconf.h lualib.h lauxlib.h; do
    cp "$SRC/src/$header" "$OUT/include/"
done
cp -R "$SRC/src" "$OUT/src"
cp "$SRC/doc/readme.html" "$OUT/LICENCE"
