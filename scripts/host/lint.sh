#!/bin/sh
# luacheck and clang-format over our own files; names what is not as the style wants it.
# Exit status 0: a report, not a gate.

list() {
    find kernel runtime lua bin scripts etc loader tests -type f "$@" 2>/dev/null | sort
}

list -name '*.lua' | xargs -r luacheck --quiet
untidy=$(list '(' -name '*.c' -o -name '*.h' ')' | while read -r file; do
    clang-format "$file" | cmp -s - "$file" || echo "$file"
done)
[ -z "$untidy" ] || printf 'clang-format would change:\n%s\n' "$untidy"
exit 0
