/* sw_format against what the C library prints, where both know the directive. */
#include "tap.h"
#include <limits.h>
#include <string.h>
#include <swos/log.h>

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[128], theirs[128];                                                               \
        size_t length = sw_format(ours, sizeof(ours), __VA_ARGS__);                                \
        snprintf(theirs, sizeof(theirs), __VA_ARGS__);                                             \
        tap_ok(strcmp(ours, theirs) == 0 && length == strlen(ours), "%s", theirs);                 \
    } while (0)

int main(void)
{
    char out[8];
    const char *none = "x";
    SAME("plain");
    SAME("%s|%5s|%.*s|%%|%c", "a", "bc", 2, "defg", 'z');
    SAME("%.*s", 3, "a");
    SAME("%d %i %d", 0, -1, INT_MIN);
    SAME("%u %x %x", UINT_MAX, 0xabcu, 0u);
    SAME("%ld %lu %zu", LONG_MIN, ULONG_MAX, sizeof(out));
    SAME("%lld %llx", LLONG_MIN, ULLONG_MAX);
    SAME("%5d|%05d|%05d|%04x|%2u", 42, 42, -42, 0xfu, 12345u);
    SAME("%p", (void *)&out);
    CHECK(sw_format(out, sizeof(out), "%s", "0123456789") == 7 && strcmp(out, "0123456") == 0);
    CHECK(sw_format(out, 1, "%d", 5) == 0 && out[0] == 0);
    CHECK(sw_format(NULL, 0, "%d", 5) == 0);
    CHECK(sw_format(out, sizeof(out), none) == 1 && strcmp(out, "x") == 0);
    return tap_done();
}
