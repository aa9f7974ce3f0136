/* Keys of sort. Everything is by bytes; upper and lower case are ASCII's. */
#include "sort_keys.h"
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Moves over one field; with a separator up to it. */
static const char *over_field(const char *at, const char *end, char separator)
{
    if (separator != SORT_BLANKS) {
        const char *found = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;
        return found ? found : end;
    }
    while (at < end && is_blank(*at))
        at++;
    while (at < end && !is_blank(*at))
        at++;
    return at;
}

static const char *key_of(const struct sort_key *key, char separator, const char *line,
                          size_t length, size_t *out_length)
{
    const char *end = line + length, *start = line, *stop = end;
    if (!key->is_line) {
        for (uint32_t i = 1; i < key->start_field && start < end; i++) {
            start = over_field(start, end, separator);
            start += separator != SORT_BLANKS && start < end;
        }
    }
    if (key->order.skip_start)
        while (start < end && is_blank(*start))
            start++;
    if (!key->is_line && key->start_byte > 1)
        start += (size_t)(end - start) < key->start_byte - 1 ? (size_t)(end - start)
                                                             : key->start_byte - 1;
    if (key->end_field != UINT32_MAX) {
        stop = line;
        for (uint32_t i = 1; i < key->end_field && stop < end; i++) {
            stop = over_field(stop, end, separator);
            stop += separator != SORT_BLANKS && stop < end;
        }
        if (key->end_byte == 0) {
            stop = over_field(stop, end, separator);
        } else {
            if (key->order.skip_end)
                while (stop < end && is_blank(*stop))
                    stop++;
            stop += (size_t)(end - stop) < key->end_byte ? (size_t)(end - stop) : key->end_byte;
        }
    }
    if (stop < start)
        stop = start;
    *out_length = (size_t)(stop - start);
    return start;
}

/* ---- numbers: [-]digits[.digits], as long as they like */

struct number {
    bool negative;
    const char *whole, *part; /* without leading and trailing zeros */
    size_t whole_length, part_length;
    int unit; /* k, M... */
};

static struct number number_of(const char *at, size_t length, bool units)
{
    static const char letters[] = "KMGTPEZY";
    const char *end = at + length;
    struct number number = { 0 };
    while (at < end && is_blank(*at))
        at++;
    if (at < end && *at == '-') {
        number.negative = true;
        at++;
    }
    while (at < end && *at == '0')
        at++;
    number.whole = at;
    while (at < end && is_digit(*at))
        at++;
    number.whole_length = (size_t)(at - number.whole);
    if (at < end && *at == '.') {
        number.part = ++at;
        while (at < end && is_digit(*at))
            at++;
        number.part_length = (size_t)(at - number.part);
        while (number.part_length > 0 && number.part[number.part_length - 1] == '0')
            number.part_length--;
    }
    if (number.whole_length == 0 && number.part_length == 0)
        number.negative = false;
    else if (units && at < end) {
        const char *letter = *at ? strchr(letters, *at == 'k' ? 'K' : *at) : NULL;
        number.unit = letter ? (int)(letter - letters) + 1 : 0;
    }
    return number;
}

static int compare_numbers(const struct number *a, const struct number *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    int sign = a->negative ? -1 : 1;
    if (a->unit != b->unit)
        return a->unit < b->unit ? -sign : sign;
    if (a->whole_length != b->whole_length)
        return a->whole_length < b->whole_length ? -sign : sign;
    int result = a->whole_length ? memcmp(a->whole, b->whole, a->whole_length) : 0;
    size_t length = a->part_length < b->part_length ? a->part_length : b->part_length;
    if (!result && length)
        result = memcmp(a->part, b->part, length);
    if (!result && a->part_length != b->part_length)
        result = a->part_length < b->part_length ? -1 : 1;
    return result < 0 ? -sign : result > 0 ? sign : 0;
}

/* ---- bytes, perhaps with some left out or folded */

static bool left_out(const struct sort_order *order, char c)
{
    bool word =
        is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == ' ' || c == '\t';
    return (order->dictionary && !word) || (order->visible && (c < ' ' || c > '~'));
}

static uint8_t folded(const struct sort_order *order, char c)
{
    return (uint8_t)(order->fold && c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static int compare_text(const struct sort_order *order, const char *a, size_t a_length,
                        const char *b, size_t b_length)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a_length && left_out(order, a[i]))
            i++;
        while (j < b_length && left_out(order, b[j]))
            j++;
        if (i == a_length || j == b_length)
            return (i < a_length) - (j < b_length);
        int difference = folded(order, a[i++]) - folded(order, b[j++]);
        if (difference)
            return difference;
    }
}

/* Digits within the text count as numbers. */
static int compare_versions(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t i = 0, j = 0;
    while (i < a_length && j < b_length) {
        if (!is_digit(a[i]) || !is_digit(b[j])) {
            if (a[i] != b[j])
                return (uint8_t)a[i] < (uint8_t)b[j] ? -1 : 1;
            i++;
            j++;
            continue;
        }
        size_t a_end = i, b_end = j;
        while (a_end < a_length && is_digit(a[a_end]))
            a_end++;
        while (b_end < b_length && is_digit(b[b_end]))
            b_end++;
        struct number one = number_of(a + i, a_end - i, false),
                      other = number_of(b + j, b_end - j, false);
        int result = compare_numbers(&one, &other);
        if (result)
            return result;
        i = a_end;
        j = b_end;
    }
    return (i < a_length) - (j < b_length);
}

int sort_compare(const struct sort_key *key, char separator, const char *a, size_t a_length,
                 const char *b, size_t b_length)
{
    const struct sort_order *order = &key->order;
    int result;
    a = key_of(key, separator, a, a_length, &a_length);
    b = key_of(key, separator, b, b_length, &b_length);
    if (order->kind == SORT_NUMBER || order->kind == SORT_SIZE) {
        bool units = order->kind == SORT_SIZE;
        struct number one = number_of(a, a_length, units), other = number_of(b, b_length, units);
        result = compare_numbers(&one, &other);
    } else if (order->kind == SORT_VERSION) {
        result = compare_versions(a, a_length, b, b_length);
    } else if (order->fold || order->dictionary || order->visible) {
        result = compare_text(order, a, a_length, b, b_length);
    } else {
        size_t length = a_length < b_length ? a_length : b_length;
        result = length ? memcmp(a, b, length) : 0;
        if (!result)
            result = a_length < b_length ? -1 : a_length > b_length;
    }
    return order->reverse ? -result : result;
}

uint64_t sort_prefix(const struct sort_key *key, char separator, const char *line, size_t length,
                     bool *out_whole)
{
    const struct sort_order *order = &key->order;
    uint64_t prefix = 0;
    *out_whole = false;
    if (order->kind == SORT_VERSION)
        return 0;
    line = key_of(key, separator, line, length, &length);
    if (order->kind == SORT_SIZE)
        return 0;
    if (order->kind == SORT_NUMBER) {
        const uint64_t zero = 1ull << 63;
        struct number number = number_of(line, length, false);
        if (number.whole_length > 18)
            return number.negative ? 0 : UINT64_MAX;
        for (size_t i = 0; i < number.whole_length; i++)
            prefix = prefix * 10 + (uint64_t)(number.whole[i] - '0');
        *out_whole = number.part_length == 0;
        /* between zero and minus one lie the fractions of minus zero: equal prefixes, not whole */
        return number.negative ? zero - prefix : zero + prefix;
    }
    size_t used = 0;
    for (size_t i = 0; i < length && used < 8; i++) {
        if (left_out(order, line[i]))
            continue;
        prefix |= (uint64_t)folded(order, line[i]) << (56 - 8 * used);
        used++;
    }
    /* a byte of zero is like the end */
    *out_whole = length < 8 && !memchr(line, 0, length) && !order->dictionary && !order->visible;
    return prefix;
}
