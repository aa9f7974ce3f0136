#!/bin/sh
# luacheck and clang-format over our own files; names what is not as the style wants it, and
# fails then.

list() {
    find kernel runtime lua bin scripts etc tests -type f "$@" | sort
}

status=0
list -name '*.lua' | xargs luacheck --quiet --no-color || status=1
untidy=$(list '(' -name '*.c' -o -name '*.h' ')' | while read -r file; do
    clang-format "$file" | cmp -s - "$file" || echo "$file"
done)
if [ -n "$untidy" ]; then
    printf 'clang-format would change:\n%s\n' "$untidy"
    status=1
fi
exit $status
