/* sort_prefix never contradicts sort_compare, and decides alone where it says so; comparing is an order. */
#include "random.h"
#include "sort_keys.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200000 };

static size_t make(char *out)
{
    static const char letters[] = "0012.9-aAbB \t\0k";
    size_t length = random_below(random_below(4) ? 14 : 30);
    bool digits = random_below(4) == 0;
    for (size_t i = 0; i < length; i++)
        out[i] = letters[random_below(digits ? 4 : sizeof(letters) - 1)];
    return length;
}

static int sign(int number)
{
    return number < 0 ? -1 : number > 0;
}

int main(void)
{
    int contradicted = 0, unequal = 0, disordered = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct sort_key key = { .end_field = UINT32_MAX, .start_field = 1, .start_byte = 1 };
        key.order.kind = (enum sort_kind)random_below(4);
        key.order.fold = random_below(3) == 0;
        key.order.dictionary = random_below(5) == 0;
        key.order.visible = random_below(5) == 0;
        key.order.skip_start = random_below(3) == 0;
        key.is_line = random_below(2);
        key.start_field = 1 + random_below(2);
        if (random_below(2)) {
            key.end_field = 1 + random_below(2);
            key.end_byte = random_below(3);
        }
        char separator = random_below(2) ? ' ' : SORT_BLANKS;
        char texts[3][32];
        size_t lengths[3];
        uint64_t prefixes[3];
        bool whole[3];
        for (int j = 0; j < 3; j++) {
            lengths[j] = make(texts[j]);
            if (j > 0 && random_below(2)) { /* nearly the same as another */
                memcpy(texts[j], texts[0], sizeof(texts[j]));
                lengths[j] = lengths[0] ? lengths[0] - random_below(2) : 0;
                texts[j][lengths[j] ? lengths[j] - random_below(2) : 0] = '1';
            }
            char *exact = malloc(lengths[j] + 1); /* so that reading behind it is seen */
            memcpy(exact, texts[j], lengths[j]);
            exact = realloc(exact, lengths[j] ? lengths[j] : 1);
            prefixes[j] = sort_prefix(&key, separator, exact, lengths[j], &whole[j]);
            free(exact);
        }
        int order[3][3];
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++) {
                order[j][k] =
                    sign(sort_compare(&key, separator, texts[j], lengths[j], texts[k], lengths[k]));
                if (prefixes[j] != prefixes[k])
                    contradicted += order[j][k] != (prefixes[j] < prefixes[k] ? -1 : 1);
                else if (whole[j] && whole[k])
                    unequal += order[j][k] != 0;
            }
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < 3; l++)
                    disordered += order[j][k] != -order[k][j] ||
                                  (order[j][k] <= 0 && order[k][l] <= 0 && order[j][l] > 0);
    }
    tap_ok(contradicted == 0, "prefixes order as keys do (%d do not)", contradicted);
    tap_ok(unequal == 0, "whole prefixes that are equal are of equal keys (%d are not)", unequal);
    tap_ok(disordered == 0, "comparing is an order (%d times not)", disordered);
    return tap_done();
}
