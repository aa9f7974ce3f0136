/* cut: bytes, characters or fields of each line. */
#define _GNU_SOURCE 1 /* memmem */
#include "command.h"
#include <stdlib.h>
#include <string.h>

struct range {
    uint64_t first, last; /* from 1 */
};

static struct range *ranges;
static size_t range_count;
static bool complement, only_delimited, characters;
static const char *delimiter, *between;
static char mode, line_end = '\n'; /* mode: b, c or f */

static int by_first(const void *a, const void *b)
{
    const struct range *one = a, *other = b;
    return one->first < other->first ? -1 : one->first > other->first;
}

/* N, N-M, N-, -M with commas or blanks between them. */
static bool read_list(char *text)
{
    ranges = malloc((strlen(text) + 1) * sizeof(*ranges));
    if (!ranges)
        out_of_memory(NULL);
    for (char *rest, *word = strtok_r(text, ", \t", &rest); word;
         word = strtok_r(NULL, ", \t", &rest)) {
        struct range range = { 1, UINT64_MAX };
        char *dash = strchr(word, '-');
        if (dash)
            *dash++ = 0;
        if ((dash && !*word && !*dash) ||
            (*word && (!parse_number(word, 10, &range.first) || !range.first)) ||
            (dash && *dash && !parse_number(dash, 10, &range.last)))
            return false;
        if (!dash)
            range.last = range.first;
        if (range.last < range.first)
            return false;
        ranges[range_count++] = range;
    }
    if (range_count == 0)
        return false;
    qsort(ranges, range_count, sizeof(*ranges), by_first);
    size_t last = 0; /* those that lie in one another are one */
    for (size_t i = 1; i < range_count; i++) {
        if (ranges[i].first > ranges[last].last)
            ranges[++last] = ranges[i];
        else if (ranges[i].last > ranges[last].last)
            ranges[last].last = ranges[i].last;
    }
    range_count = last + 1;
    return true;
}

/* Whether number `at`, which grows from call to call, is wanted; *next: the first range that may hold it. */
static bool wanted(uint64_t at, size_t *next)
{
    while (*next < range_count && ranges[*next].last < at)
        (*next)++;
    return (*next < range_count && ranges[*next].first <= at) != complement;
}

static void cut_bytes(const char *line, size_t length)
{
    size_t next = 0;
    uint64_t number = 0;
    bool before = false, any = false, gap = false;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t size = characters ? utf8_decode(line + i, length - i, &c) : 1;
        size = size ? size : 1;
        before = wanted(++number, &next);
        gap |= before && !complement && ranges[next].first == number;
        if (before && gap && any && between)
            out_text(between);
        if (before)
            out_bytes(line + i, size);
        any |= before;
        gap = !before;
        i += size;
    }
}

static bool cut_fields(const char *line, size_t length)
{
    size_t next = 0, size = strlen(delimiter);
    uint64_t number = 0;
    const char *end = line + length;
    bool any = false;
    for (const char *field = line;;) {
        const char *stop = size == 1 ? memchr(field, delimiter[0], (size_t)(end - field))
                                     : memmem(field, (size_t)(end - field), delimiter, size);
        if (!stop && number == 0) { /* no delimiter at all: the line as it is */
            if (!only_delimited)
                out_bytes(line, length);
            return !only_delimited;
        }
        if (wanted(++number, &next)) {
            if (any)
                out_text(between ? between : delimiter);
            out_bytes(field, (size_t)((stop ? stop : end) - field));
            any = true;
        }
        if (!stop)
            return true;
        field = stop + size;
    }
}

static void cut(struct input *input)
{
    char *line;
    size_t length;
    while (input_line(input, line_end, &line, &length)) {
        length -= line[length - 1] == line_end;
        bool printed = true;
        if (mode == 'f')
            printed = cut_fields(line, length);
        else
            cut_bytes(line, length);
        if (printed)
            out_char(line_end);
    }
}

int command_cut(int count, char **arguments)
{
    struct options options;
    char *list = NULL;
    uint32_t c;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'b' || letter == 'c' || letter == 'f') {
            if (mode)
                return usage("one of -b, -c and -f");
            mode = (char)letter;
            list = options.value;
        } else if (letter == 'd') {
            delimiter = options.value;
        } else if (letter == 's') {
            only_delimited = true;
        } else if (letter == 'z') {
            line_end = 0;
        } else if (letter == OPTION_LONG && !strcmp(options.name, "complement")) {
            complement = true;
        } else if (letter == OPTION_LONG) {
            between = options.value;
        }
    }
    if (!mode)
        return usage("-b, -c or -f expected");
    if (!read_list(list))
        return usage("%s: not a list of numbers", list);
    if (mode != 'f' && (delimiter || only_delimited))
        return usage("-d and -s are for fields");
    if (!delimiter)
        delimiter = "\t";
    if (!*delimiter ||
        (utf8_decode(delimiter, strlen(delimiter), &c) != strlen(delimiter) && delimiter[1]))
        return usage("%s: the delimiter is one character", delimiter);
    characters = mode == 'c';
    return out_finish(inputs_each(&options, cut));
}
