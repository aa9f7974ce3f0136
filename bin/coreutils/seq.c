/* seq: numbers from one to another. Decimals are counted as integers of their last digit, so none is lost
 * to rounding. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>

struct decimal {
    int64_t value; /* in units of 10^-places */
    int places;
};

static bool read_decimal(const char *text, struct decimal *out)
{
    bool minus = *text == '-', any = false, point = false;
    *out = (struct decimal){ 0, 0 };
    for (text += minus || *text == '+'; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || out->places > 15 ||
            __builtin_mul_overflow(out->value, 10, &out->value) ||
            __builtin_add_overflow(out->value, *text - '0', &out->value))
            return false;
        out->places += point;
        any = true;
    }
    if (minus)
        out->value = -out->value;
    return any;
}

static bool widen(struct decimal *number, int places)
{
    for (; number->places < places; number->places++)
        if (__builtin_mul_overflow(number->value, 10, &number->value))
            return false;
    return true;
}

/* The number with its sign and point; its length. */
static size_t write_decimal(int64_t value, int places, size_t width, char out[64])
{
    char digits[32];
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int count = 0;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0 || count <= places);
    size_t length = 0, needed = (size_t)count + (value < 0) + (places > 0);
    if (value < 0)
        out[length++] = '-';
    for (; needed < width; needed++)
        out[length++] = '0';
    while (count > 0) {
        if (count == places)
            out[length++] = '.';
        out[length++] = digits[--count];
    }
    return length;
}

int command_seq(int count, char **arguments)
{
    struct options options;
    struct decimal numbers[3];
    const char *separator = "\n";
    bool padded = false;
    int first = 1;
    /* a negative number is no option */
    while (first < count && (arguments[first][0] != '-' ||
                             !strchr("0123456789.", arguments[first][1]) || !arguments[first][1]))
        first += (!strcmp(arguments[first], "-s") && first + 1 < count) + 1;
    char *words[4] = { 0 }, *numbers_from[4] = { 0 };
    int word_count = 0;
    for (int i = first; i < count && i - first < 4;
         i++) /* options_start's list of operands ends there */
        numbers_from[i - first] = arguments[i];
    options_start(&options, first < count ? first : count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 's')
            separator = options.value;
        padded |= letter == 'w';
    }
    for (int i = 0; i < options.count && word_count < 4; i++)
        words[word_count++] = options.arguments[i];
    for (int i = 0; i < 4 && numbers_from[i] && word_count < 4; i++)
        words[word_count++] = numbers_from[i];
    if (word_count < 1 || word_count > 3)
        return usage("one to three numbers expected");
    int places = 0;
    for (int i = 0; i < word_count; i++) {
        if (!read_decimal(words[i], &numbers[i]))
            return usage("%s: not a number", words[i]);
        if (i + 1 < word_count || word_count == 1) /* the last one bounds, no more */
            places = numbers[i].places > places ? numbers[i].places : places;
    }
    int scale = numbers[word_count - 1].places > places ? numbers[word_count - 1].places : places;
    for (int i = 0; i < word_count; i++)
        if (!widen(&numbers[i], scale))
            return complain_text(words[i], "too large");
    int64_t one = 1;
    for (int i = 0; i < scale; i++)
        one *= 10;
    int64_t at = word_count > 1 ? numbers[0].value : one,
            step = word_count > 2 ? numbers[1].value : one;
    int64_t last = numbers[word_count - 1].value, shrink = 1;
    for (int i = places; i < scale; i++)
        shrink *= 10;
    if (step == 0)
        return complain_text(words[1], "the step is zero");
    char text[64];
    size_t width = 0;
    if (padded) {
        width = write_decimal(at / shrink, places, 0, text);
        size_t other = write_decimal(last / shrink, places, 0, text);
        width = other > width ? other : width;
    }
    bool any = false;
    while (step > 0 ? at <= last : at >= last) {
        if (any)
            out_text(separator);
        out_bytes(text, write_decimal(at / shrink, places, width, text));
        any = true;
        if (__builtin_add_overflow(at, step, &at))
            break;
    }
    if (any)
        out_char('\n');
    return out_finish(0);
}
