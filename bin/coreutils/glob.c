/* Patterns of names. A character is one of UTF-8, or a byte where the text is none. */
#include "glob.h"
#include "classes.h"
#include "command.h"
#include <string.h>

static size_t character(const char *text, uint32_t *out, bool fold)
{
    size_t size = utf8_decode(text, strlen(text), out);
    if (size == 0)
        *out = 0x110000u + (uint8_t)text[0];
    if (fold && *out < 0x80)
        *out = fold_byte((char)*out);
    return size ? size : 1;
}

/* Behind the set at `pattern`, which starts with [; NULL: there is no ] and [ is a letter. */
static const char *set_holds(const char *pattern, uint32_t c, bool fold, bool *out_holds)
{
    const char *at = pattern + 1;
    bool negated = *at == '!' || *at == '^', holds = false;
    at += negated;
    for (bool first = true; *at && (first || *at != ']'); first = false) {
        const char *end = at[0] == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
        if (end) {
            bool known; /* of another name nothing is */
            holds |= class_holds(at + 2, (size_t)(end - at) - 2, c, &known);
            at = end + 2;
            continue;
        }
        uint32_t low, high;
        at += *at == '\\' && at[1];
        at += character(at, &low, fold);
        high = low;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            at++;
            at += *at == '\\' && at[1];
            at += character(at, &high, fold);
        }
        holds |= c >= low && c <= high;
    }
    *out_holds = holds != negated;
    return *at ? at + 1 : NULL;
}

bool glob_matches(const char *pattern, const char *text, bool fold)
{
    const char *star = NULL, *retry = NULL; /* the last * and where its rest was tried */
    while (*text || *pattern) {
        uint32_t c, wanted;
        bool fits = false;
        const char *next = pattern;
        size_t size = *text ? character(text, &c, fold) : 0;
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
            continue;
        }
        if (*pattern && *text) {
            const char *behind = *pattern == '[' ? set_holds(pattern, c, fold, &fits) : NULL;
            if (behind) {
                next = behind;
            } else if (*pattern == '?') {
                fits = true;
                next = pattern + 1;
            } else {
                next = pattern + (*pattern == '\\' && pattern[1]);
                next += character(next, &wanted, fold);
                fits = wanted == c;
            }
        }
        if (fits) {
            pattern = next;
            text += size;
        } else if (star && *retry) {
            retry += character(retry, &c, fold);
            text = retry;
            pattern = star;
        } else {
            return false;
        }
    }
    return true;
}
