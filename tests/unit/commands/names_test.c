/* Patterns of names against the host's fnmatch, and the sets of tr. */
#include "glob.h"
#include "random.h"
#include "tap.h"
#include "tr_sets.h"
#include <fnmatch.h>
#include <string.h>

/* glob.c takes characters from text.c, which needs the whole command: here all are ASCII. */
size_t utf8_decode(const char *text, size_t length, uint32_t *out);
size_t utf8_decode(const char *text, size_t length, uint32_t *out)
{
    *out = (uint8_t)text[0];
    return length > 0;
}

static struct tr_set first, second;

static int is_set(const char *text, const char *bytes)
{
    memset(&second, 0, sizeof(second));
    return !tr_set_read(&second, text, &first) && second.count == strlen(bytes) &&
           !memcmp(second.bytes, bytes, second.count);
}

int main(void)
{
    static const char *const parts[] = { "a",     "b",   "*", "?",    "[ab]", "[!a]",
                                         "[a-b]", "\\*", "c", "[]b]", "*" };
    int wrong = 0;
    for (int i = 0; i < 200000; i++) {
        char pattern[64] = "", text[12];
        for (unsigned j = random_below(6); j > 0; j--)
            strcat(pattern, parts[random_below(sizeof(parts) / sizeof(parts[0]))]);
        size_t length = random_below(sizeof(text) - 1);
        for (size_t j = 0; j < length; j++)
            text[j] = "aabbc*]"[random_below(7)];
        text[length] = 0;
        if (glob_matches(pattern, text, false) != (fnmatch(pattern, text, 0) == 0) && wrong++ < 5)
            tap_ok(0, "%s: %s", pattern, text);
    }
    tap_ok(wrong == 0, "patterns fit what they fit on the host");
    CHECK(glob_matches("A*", "abc", true) && !glob_matches("A*", "abc", false));
    CHECK(glob_matches("[", "[", false) && !glob_matches("", "a", false));
    first.count = 6;
    CHECK(is_set("a-e", "abcde"));
    CHECK(is_set("\\n\\t\\101\\\\", "\n\tA\\"));
    CHECK(is_set("[:digit:]x", "0123456789x"));
    CHECK(is_set("[a*3]b", "aaab"));
    CHECK(is_set("x[a*]y", "xaaaay"));
    CHECK(is_set("[a*010]", "aaaaaaaa"));
    CHECK(is_set("[=a=]-", "a-"));
    CHECK(tr_set_read(&second, "z-a", &first) != NULL);
    CHECK(tr_set_read(&second, "[:none:]", &first) != NULL);
    memset(&second, 0, sizeof(second));
    CHECK(tr_set_read(&second, "[a*]", NULL) != NULL);
    memset(&second, 0, sizeof(second));
    CHECK(!tr_set_read(&second, "\\001-\\377", NULL));
    tr_set_complement(&second);
    CHECK(second.count == 1 && second.bytes[0] == 0);
    return tap_done();
}
