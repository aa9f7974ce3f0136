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

# All of it as one file, as Lua's own onelua.c has it: so the compiler inlines across files, the lookup of a field
# into the interpreter's loop first of all. gcse makes that loop longer.
TARGET_CFLAGS="$TARGET_CFLAGS -fno-gcse -include $HERE/lua/swos_luaconf.h"
{
    printf '%s\n' '#define LUA_CORE' '#define LUA_LIB' '#define ltable_c' '#define lvm_c' '#include "luaconf.h"' \
        '#undef LUAI_FUNC' '#undef LUAI_DDEC' '#undef LUAI_DDEF' \
        '#define LUAI_FUNC static' '#define LUAI_DDEC(def)' '#define LUAI_DDEF static'
    for file in lzio lctype lopcodes lmem lundump ldump lstate lgc llex lcode lparser ldebug lfunc lobject ltm \
        lstring ltable ldo lvm lapi lauxlib lbaselib lcorolib ldblib liolib lmathlib loadlib loslib lstrlib \
        ltablib lutf8lib linit; do
        echo "#include \"$file.c\""
    done
} >"$SRC/src/one.c"
compile "$OUT/lib/liblua.a" src/one.c

for header in lua.h luaconf.h lualib.h lauxlib.h; do
    cp "$SRC/src/$header" "$OUT/include/"
done
cp -R "$SRC/src" "$OUT/src"
cp "$SRC/doc/readme.html" "$OUT/LICENCE"
