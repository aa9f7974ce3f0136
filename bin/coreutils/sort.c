/* sort: lines by their bytes, or by keys. The input lies whole in memory, with 24 bytes a line besides; what is
 * compared most lies in these: the first eight bytes of the first key as a number. The merge sort is stable,
 * which -s and -u need, and takes a second array of the lines. */
#include "command.h"
#include "sort_keys.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

struct line {
    uint64_t prefix; /* orders as the first key does, as far as it goes */
    const char *text;
    uint32_t length;
    uint32_t whole; /* the prefix tells all there is of the first key, when both lines say so */
};

static struct sort_key keys[32];
static size_t key_count;
static struct sort_order order; /* of the options without a key */
static bool stable, unique, check, quiet;
static char line_end = '\n', separator = SORT_BLANKS;

/* ---- comparing */

static int compare_keys(const struct line *a, const struct line *b, bool skip_first)
{
    for (size_t i = skip_first; i < key_count; i++) {
        int result = sort_compare(&keys[i], separator, a->text, a->length, b->text, b->length);
        if (result)
            return result;
    }
    return 0;
}

static int compare_bytes(const struct line *a, const struct line *b)
{
    size_t length = a->length < b->length ? a->length : b->length;
    int result = memcmp(a->text, b->text, length);
    return result ? result : a->length < b->length ? -1 : a->length > b->length;
}

static int compare(const struct line *a, const struct line *b)
{
    int result;
    if (a->prefix != b->prefix) {
        result = a->prefix < b->prefix ? -1 : 1;
        return keys[0].order.reverse ? -result : result;
    }
    result = compare_keys(a, b, a->whole && b->whole);
    if (result || stable || unique)
        return result;
    result = compare_bytes(a, b);
    return order.reverse ? -result : result;
}

/* ---- sorting */

/* Sorts lines[0..count) with room for as many at `spare`. */
static void merge_sort(struct line *lines, struct line *spare, size_t count)
{
    enum { FEW = 12 };
    if (count <= FEW) {
        for (size_t i = 1; i < count; i++) {
            struct line line = lines[i];
            size_t at = i;
            for (; at > 0 && compare(&lines[at - 1], &line) > 0; at--)
                lines[at] = lines[at - 1];
            lines[at] = line;
        }
        return;
    }
    size_t half = count / 2;
    merge_sort(lines, spare, half);
    merge_sort(lines + half, spare, count - half);
    if (compare(&lines[half - 1], &lines[half]) <= 0)
        return;
    memcpy(spare, lines, half * sizeof(*lines));
    size_t left = 0, right = half, at = 0;
    while (left < half && right < count)
        lines[at++] = compare(&spare[left], &lines[right]) <= 0 ? spare[left++] : lines[right++];
    memcpy(lines + at, spare + left, (half - left) * sizeof(*lines));
}

/* ---- options */

static bool take_order(struct sort_order *to, int letter)
{
    switch (letter) {
    case 'b':
        to->skip_start = to->skip_end = true;
        break;
    case 'd':
        to->dictionary = true;
        break;
    case 'f':
        to->fold = true;
        break;
    case 'i':
        to->visible = true;
        break;
    case 'n':
        to->kind = SORT_NUMBER;
        break;
    case 'h':
        to->kind = SORT_SIZE;
        break;
    case 'V':
        to->kind = SORT_VERSION;
        break;
    case 'r':
        to->reverse = true;
        break;
    default:
        return false;
    }
    return true;
}

/* FIELD[.BYTE][LETTERS]; *at moves behind it. */
static bool read_place(const char **at, uint32_t *out_field, uint32_t *out_byte,
                       struct sort_key *key, bool is_end)
{
    char *end;
    *out_field = (uint32_t)strtoul(*at, &end, 10);
    if (end == *at || *out_field == 0)
        return false;
    *at = end;
    *out_byte = is_end ? 0 : 1;
    if (**at == '.') {
        *out_byte = (uint32_t)strtoul(*at + 1, &end, 10);
        if (end == *at + 1 || (*out_byte == 0 && !is_end))
            return false;
        *at = end;
    }
    for (; **at && **at != ','; (*at)++) {
        if (!take_order(&key->order, **at))
            return false;
        if (**at == 'b') /* only for the end it stands at */
            key->order.skip_start = !is_end || key->start_skips, key->order.skip_end = is_end;
        key->start_skips |= **at == 'b' && !is_end;
        key->has_order = true;
    }
    return true;
}

static bool read_key(const char *text)
{
    if (key_count == sizeof(keys) / sizeof(keys[0]))
        return false;
    struct sort_key *key = &keys[key_count++];
    *key = (struct sort_key){ .end_field = UINT32_MAX };
    if (!read_place(&text, &key->start_field, &key->start_byte, key, false))
        return false;
    if (*text == ',') {
        text++;
        if (!read_place(&text, &key->end_field, &key->end_byte, key, true))
            return false;
    }
    return !*text;
}

/* ---- lines */

static struct line *lines;
static size_t line_count, line_capacity;

static void split(const struct input *input)
{
    const char *at = input->buffer + input->start, *end = input->buffer + input->end;
    while (at < end) {
        const char *stop = memchr(at, line_end, (size_t)(end - at));
        if (line_count == line_capacity) {
            line_capacity = line_capacity ? line_capacity + line_capacity / 2 : 4096;
            struct line *grown = realloc(lines, line_capacity * sizeof(*lines));
            if (!grown)
                out_of_memory(input->name);
            lines = grown;
        }
        struct line *line = &lines[line_count++];
        line->text = at;
        line->length = (uint32_t)((stop ? stop : end) - at);
        bool whole = false;
        line->prefix = sort_prefix(&keys[0], separator, line->text, line->length, &whole);
        line->whole = whole;
        at = stop ? stop + 1 : end;
    }
}

static int check_order(const char *name)
{
    for (size_t i = 1; i < line_count; i++) {
        int result = compare(&lines[i - 1], &lines[i]);
        if (result < 0 || (result == 0 && !unique))
            continue;
        if (!quiet) {
            char text[SW_PATH_MAX + 64];
            sw_format(text, sizeof(text), "%s:%llu: disorder: %.*s", name,
                      (unsigned long long)i + 1, lines[i].length > 200 ? 200 : (int)lines[i].length,
                      lines[i].text);
            complain_text(NULL, text);
        }
        return 1;
    }
    return 0;
}

int command_sort(int count, char **arguments)
{
    struct options options;
    const char *output = NULL;
    trouble = 2;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status == 1 ? 2 : options.status;
        if (take_order(&order, letter))
            continue;
        if (letter == 'k' && !read_key(options.value))
            return usage("%s: not a key", options.value);
        if (letter == 't') {
            bool nul = !strcmp(options.value, "\\0");
            if (!nul && strlen(options.value) != 1)
                return usage("%s: the separator is one byte", options.value);
            separator = nul ? 0 : options.value[0];
        }
        unique |= letter == 'u';
        stable |= letter == 's';
        check |= letter == 'c' || letter == 'C';
        quiet |= letter == 'C';
        if (letter == 'o')
            output = options.value;
        if (letter == 'z')
            line_end = 0;
    }
    if (check && options.count > 1)
        return usage("%s: one file to check", options.arguments[1]);
    if (key_count == 0) { /* the line is the key */
        keys[key_count++] =
            (struct sort_key){ .order = order, .end_field = UINT32_MAX, .is_line = true };
        /* by bytes and nothing else, the last comparison is the first one again */
        stable |= !order.dictionary && !order.fold && !order.visible && order.kind == SORT_BYTES &&
                  !order.skip_start;
    }
    for (size_t i = 0; i < key_count; i++)
        if (!keys[i].has_order)
            keys[i].order = order;
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        struct input input;
        if (!input_open(&input, options.arguments[i]) || !input_whole(&input))
            return 2;
        split(&input);
        close_operand(input.fd); /* the text stays */
    }
    if (check)
        return check_order(options.arguments[0]);
    struct line *spare = malloc((line_count / 2 + 1) * sizeof(*spare));
    if (!spare)
        out_of_memory(NULL);
    merge_sort(lines, spare, line_count);
    if (output) { /* only now: it may be one of the files read */
        int fd;
        status_t status =
            sw_fd_open(output, SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE, 0644, &fd);
        if (status != SW_OK) {
            complain(output, status);
            return 2;
        }
        sw_fd_duplicate_to(fd, 1);
        sw_fd_close(fd);
    }
    for (size_t i = 0; i < line_count; i++) {
        if (unique && i > 0 && compare(&lines[i - 1], &lines[i]) == 0)
            continue;
        out_bytes(lines[i].text, lines[i].length);
        out_char(line_end);
    }
    return out_finish(0);
}
