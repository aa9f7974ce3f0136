/* Names and sentences of the status codes, from the ABI's table. */
#include <stddef.h>
#include <swos/status.h>

struct words {
    const char *name, *text;
};

static const struct words table[] = {
#define SW_STATUS(number, name, posix, text) [number] = { #name, text },
#include <swos/status_table.inc>
#undef SW_STATUS
};

static const struct words *words_of(status_t status)
{
    static const struct words unknown = { "UNKNOWN", "unknown status" };
    size_t number = (size_t)(-(int64_t)status);
    if (status > 0 || number >= sizeof(table) / sizeof(table[0]) || !table[number].name)
        return &unknown;
    return &table[number];
}

const char *sw_status_name(status_t status)
{
    return words_of(status)->name;
}

const char *sw_status_text(status_t status)
{
    return words_of(status)->text;
}
