/* The count a deadline is programmed as: never more than a count early, and no later after months. */
#include "arch/aarch64/include/counter_scale.h"
#include "tap.h"

#define DAY 86400ull /* s */

int main(void)
{
    static const uint64_t frequencies[] = { 1000000, 24000000, 54000000, 62500000, 1000000000 };
    static const uint64_t left[] = { 0, 1, 15, 1000, 1000000, 10000000, 1000000000 };
    static const uint64_t days[] = { 0, 1, 30, 365, 3650 };
    for (size_t f = 0; f < sizeof frequencies / sizeof frequencies[0]; f++) {
        uint64_t frequency = frequencies[f], to_ns = counter_factor_to_ns(frequency);
        uint64_t from_ns = counter_factor_from_ns(frequency), worst = 0;
        bool early = false;
        for (size_t d = 0; d < sizeof days / sizeof days[0]; d++)
            for (size_t l = 0; l < sizeof left / sizeof left[0]; l++) {
                uint64_t count = days[d] * DAY * frequency + 12345;
                uint64_t when = counter_scale(count, to_ns) + left[l];
                uint64_t at = counter_at(when, count, to_ns, from_ns);
                uint64_t told = counter_scale(at, to_ns);
                early = early || told + 1 < when;
                uint64_t late = told > when ? told - when : 0;
                worst = late > worst ? late : worst;
            }
        uint64_t most =
            2 * 1000000000 / frequency + 10; /* two counts, and what a second rounds by */
        tap_ok(!early && worst <= most, "%lu Hz: at most %lu ns late", (unsigned long)frequency,
               (unsigned long)worst);
    }
    uint64_t to_ns = counter_factor_to_ns(62500000), from_ns = counter_factor_from_ns(62500000);
    uint64_t count = 3650 * DAY * 62500000;
    CHECK(counter_at(0, count, to_ns, from_ns) == count + 1); /* passed */
    CHECK(counter_at(UINT64_MAX - 1, count, to_ns, from_ns) > count + (1ull << 56));
    return tap_done();
}
