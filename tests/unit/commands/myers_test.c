/* The ways that myers_compare finds: right, and as short as dynamic programming says. */
#include "myers.h"
#include "random.h"
#include "tap.h"
#include <string.h>

enum { ROUNDS = 20000, LINES = 24 };

static unsigned shortest(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
    unsigned ways[LINES + 1][LINES + 1];
    for (size_t i = 0; i <= a_count; i++)
        for (size_t j = 0; j <= b_count; j++) {
            if (i == 0 || j == 0)
                ways[i][j] = (unsigned)(i + j);
            else if (a[i - 1] == b[j - 1])
                ways[i][j] = ways[i - 1][j - 1];
            else
                ways[i][j] =
                    1 + (ways[i - 1][j] < ways[i][j - 1] ? ways[i - 1][j] : ways[i][j - 1]);
        }
    return ways[a_count][b_count];
}

int main(void)
{
    int failed = 0, wrong = 0, longer = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t a[LINES], b[LINES];
        bool a_changed[LINES + 1] = { 0 }, b_changed[LINES + 1] = { 0 };
        size_t a_count = random_below(LINES + 1), b_count = random_below(LINES + 1), i = 0, j = 0;
        unsigned kinds = 1 + random_below(6), changes = 0;
        for (size_t k = 0; k < a_count; k++)
            a[k] = random_below(kinds);
        for (size_t k = 0; k < b_count; k++)
            b[k] = random_below(kinds);
        failed += !myers_compare(a, a_count, b, b_count, a_changed, b_changed);
        for (;;) {
            while (i < a_count && a_changed[i])
                i++, changes++;
            while (j < b_count && b_changed[j])
                j++, changes++;
            if (i == a_count || j == b_count || a[i] != b[j])
                break;
            i++;
            j++;
        }
        wrong += i != a_count || j != b_count;
        longer += changes != shortest(a, a_count, b, b_count);
    }
    CHECK(failed == 0);
    tap_ok(wrong == 0, "what is left is the same on both sides (%d are wrong)", wrong);
    tap_ok(longer == 0, "no way is longer than it must be (%d are)", longer);
    return tap_done();
}
