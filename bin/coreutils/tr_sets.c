/* The sets of tr. */
#include "tr_sets.h"
#include "classes.h"
#include <string.h>

static bool add(struct tr_set *set, unsigned byte, size_t times)
{
    if (times > sizeof(set->bytes) - set->count)
        return false;
    memset(set->bytes + set->count, (int)byte, times);
    set->count += times;
    set->has[byte] |= times > 0;
    return true;
}

/* One byte, perhaps written as an escape. */
static unsigned element(const char **at)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    unsigned byte = (uint8_t) * (*at)++;
    if (byte != '\\' || !**at)
        return byte;
    const char *letter = strchr(letters, **at);
    if (letter) {
        (*at)++;
        return (uint8_t)values[letter - letters];
    }
    if (**at < '0' || **at > '7')
        return (uint8_t) * (*at)++;
    byte = 0;
    for (int digits = 0; digits < 3 && **at >= '0' && **at <= '7' && byte < 32; digits++)
        byte = 8 * byte + (unsigned)(*(*at)++ - '0');
    return byte;
}

/* [c*N] or [c*]; false: it is none. */
static bool repeated(const char **at, unsigned *out_byte, size_t *out_times)
{
    const char *inside = *at + 1;
    if (!*inside)
        return false;
    *out_byte = element(&inside);
    if (*inside++ != '*')
        return false;
    unsigned base = *inside == '0' ? 8 : 10;
    *out_times = 0;
    while (*inside >= '0' && *inside <= '9' && *out_times < 1000000)
        *out_times = *out_times * base + (size_t)(*inside++ - '0');
    if (*inside != ']')
        return false;
    *at = inside + 1;
    return true;
}

const char *tr_set_read(struct tr_set *set, const char *text, const struct tr_set *against)
{
    size_t fill_at = 0;
    int fill = -1;
    while (*text) {
        const char *end =
            text[0] == '[' && (text[1] == ':' || text[1] == '=') ? strchr(text + 2, text[1]) : NULL;
        if (end == text + 2 && text[1] == '=' && text[3] == '=')
            end = text + 3;
        if (end && end[1] == ']' && text[1] == ':') {
            bool known;
            for (unsigned c = 0; c < 256; c++)
                if (class_holds(text + 2, (size_t)(end - text) - 2, c, &known) && !add(set, c, 1))
                    return "too many bytes";
            if (!known)
                return "no such class";
            text = end + 2;
            continue;
        }
        if (end && end[1] == ']' && end == text + 3) {
            add(set, (uint8_t)text[2], 1);
            text = end + 2;
            continue;
        }
        unsigned byte;
        size_t times;
        if (text[0] == '[' && repeated(&text, &byte, &times)) {
            if (times == 0 && against && fill < 0) {
                fill = (int)byte;
                fill_at = set->count;
            } else if (times == 0) {
                return "[c*] is for the second set";
            }
            if (!add(set, byte, times))
                return "too many bytes";
            continue;
        }
        byte = element(&text);
        unsigned last = byte;
        if (text[0] == '-' && text[1]) {
            text++;
            last = element(&text);
            if (last < byte)
                return "a range goes backwards";
        }
        for (unsigned c = byte; c <= last; c++)
            if (!add(set, c, 1))
                return "too many bytes";
    }
    if (fill >= 0 && set->count < against->count) {
        size_t gap = against->count - set->count, rest = set->count - fill_at;
        memmove(set->bytes + fill_at + gap, set->bytes + fill_at, rest);
        memset(set->bytes + fill_at, fill, gap);
        set->count += gap;
        set->has[fill] = true;
    }
    return NULL;
}

void tr_set_complement(struct tr_set *set)
{
    set->count = 0;
    for (unsigned c = 0; c < 256; c++) {
        set->has[c] = !set->has[c];
        if (set->has[c])
            set->bytes[set->count++] = (uint8_t)c;
    }
}
