# TRE for user space: libtre.a and tre/tre.h. POSIX regular expressions in linear time (but for back-references).
#
# Expressions are compiled from wide characters. A text is matched as bytes, which a text of ASCII is, or as
# characters of UTF-8; TRE decides by MB_CUR_MAX and reads characters by mbrtowc, which know one locale, and give
# up at bytes that are none. Here the caller says (`tre_mb_cur_max`) and reads (`tre_next_character`). He
# also says what stood before the text (`tre_before`): matching goes on within a line, where a word does not
# begin because a match ended.

edit "$SRC/lib/tre-internal.h" \
    '#define TRE_MB_CUR_MAX MB_CUR_MAX' \
    'extern int tre_mb_cur_max;
#define TRE_MB_CUR_MAX tre_mb_cur_max'
edit "$SRC/lib/tre-internal.h" \
    '#define tre_mbrtowc(pwc, s, n, ps) (mbrtowc((pwc), (s), (n), (ps)))' \
    'extern size_t tre_next_character(wchar_t *out, const char *text, size_t length);
#define tre_mbrtowc(pwc, s, n, ps) ((void)(ps), tre_next_character((pwc), (s), (n)))'
for matcher in parallel backtrack; do
    edit "$SRC/lib/tre-match-$matcher.c" \
        '  tre_char_t prev_c = 0, next_c = 0;' \
        '  extern wchar_t tre_before; tre_char_t prev_c = 0, next_c = tre_before;'
done

# Nor is the start of the text the boundary of a word, nor a zero byte the end of it.
edit "$SRC/lib/tre-match-utils.h" \
    '       && (pos != 0 && next_c != L'\''\0'\''					      \' \
    '       && (1 \'
edit "$SRC/lib/tre-match-utils.h" \
    '       && (pos == 0 || next_c == L'\''\0'\''					      \' \
    '       && (0 \'
edit "$SRC/lib/tre-match-utils.h" \
    '       && (next_c != L'\''\0'\'' || reg_noteol)				      \' \
    '       && (next_c != L'\''\0'\'' || pos < len || reg_noteol) \'

# An expression too large for its stack is an error, which comes back; it ended the program instead.
edit "$SRC/lib/tre-compile.c" \
    '  assert(tree->num_tags == num_tags);' \
    '  assert(status != REG_OK || tree->num_tags == num_tags);'

# The caller gives the memory, and bounds it: what follows each of n parts that may be empty takes n * n * n words.
edit "$SRC/lib/xmalloc.h" '#define xmalloc(size) malloc(size)' \
    'extern void *tre_allocate(void *old, size_t size);
#define xmalloc(size) tre_allocate(NULL, (size))'
edit "$SRC/lib/xmalloc.h" '#define xcalloc(nmemb, size) calloc(nmemb, size)' \
    'extern void *tre_allocate_zeros(size_t count, size_t size);
#define xcalloc(nmemb, size) tre_allocate_zeros((nmemb), (size))'
edit "$SRC/lib/xmalloc.h" '#define xrealloc(ptr, new_size) realloc(ptr, new_size)' \
    '#define xrealloc(ptr, new_size) tre_allocate((ptr), (new_size))'

# Some 1,500 branches or parts one after the other, for each of which a function calls itself (48 bytes).
edit "$SRC/lib/tre-compile.c" '  stack = tre_stack_new(512, 10240, 128);' '  stack = tre_stack_new(512, 20480, 4096);'

TARGET_CFLAGS="$TARGET_CFLAGS -I$SRC/lib -DHAVE_SYS_TYPES_H=1 -DHAVE_WCHAR_H=1 -DHAVE_WCTYPE_H=1
    -DHAVE_MBSTATE_T=1 -DHAVE_MBRTOWC=1 -DHAVE_ISWCTYPE=1 -DHAVE_WCTYPE=1 -DHAVE_WCSRTOMBS=1
    -DHAVE_ISWBLANK=1 -DHAVE_TOWLOWER=1
    -DTRE_WCHAR=1 -DTRE_MULTIBYTE=1 -DTRE_REGEX_T_FIELD=value -DTRE_VERSION=\"0.8.0\""
: >"$SRC/lib/tre-config.h"

compile "$OUT/lib/libtre.a" lib/regcomp.c lib/regexec.c lib/regerror.c lib/tre-ast.c lib/tre-compile.c \
    lib/tre-match-backtrack.c lib/tre-match-parallel.c lib/tre-mem.c lib/tre-parse.c lib/tre-stack.c lib/xmalloc.c

mkdir -p "$OUT/include/tre"
cp "$SRC/lib/tre.h" "$OUT/include/tre/"
cat >"$OUT/include/tre/tre-config.h" <<'END'
#define HAVE_SYS_TYPES_H 1
#define HAVE_WCHAR_H 1
#define TRE_WCHAR 1
#define TRE_MULTIBYTE 1
END
cp "$SRC/LICENSE" "$OUT/LICENCE"
