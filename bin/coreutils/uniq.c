/* uniq: lines that are like the one before them, left out, counted or chosen. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <swos/fd.h>

static bool counted, repeated, single, fold;
static uint64_t skip_fields, skip_bytes, most = UINT64_MAX;

/* The part of a line that counts. */
static const char *part(const char *line, size_t length, size_t *out_length)
{
    const char *at = line, *end = line + length;
    for (uint64_t i = 0; i < skip_fields && at < end; i++) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        while (at < end && *at != ' ' && *at != '\t')
            at++;
    }
    at += (uint64_t)(end - at) < skip_bytes ? (uint64_t)(end - at) : skip_bytes;
    *out_length = (uint64_t)(end - at) < most ? (size_t)(end - at) : (size_t)most;
    return at;
}

static bool alike(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (skip_fields || skip_bytes || most != UINT64_MAX) {
        a = part(a, a_length, &a_length);
        b = part(b, b_length, &b_length);
    }
    if (a_length != b_length)
        return false;
    if (!fold)
        return memcmp(a, b, a_length) == 0;
    for (size_t i = 0; i < a_length; i++)
        if (fold_byte(a[i]) != fold_byte(b[i]))
            return false;
    return true;
}

static void print(const char *line, size_t length, uint64_t times, char end)
{
    if ((repeated && times < 2) || (single && times > 1))
        return;
    if (counted)
        out_format("%7llu ", (unsigned long long)times);
    out_bytes(line, length);
    out_char(end);
}

int command_uniq(int count, char **arguments)
{
    struct options options;
    struct input input;
    char *line, *kept = NULL, end = '\n';
    size_t length, kept_length = 0, capacity = 0;
    uint64_t times = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        uint64_t *number = letter == 'f' ? &skip_fields : letter == 's' ? &skip_bytes : &most;
        if (letter == OPTION_END_EARLY)
            return options.status;
        counted |= letter == 'c';
        repeated |= letter == 'd';
        single |= letter == 'u';
        fold |= letter == 'i';
        if (letter == 'z')
            end = 0;
        if (options.value && !parse_number(options.value, 10, number))
            return usage("%s: not a number", options.value);
    }
    if (options.count > 2)
        return usage("%s: one operand too many", options.arguments[2]);
    bool to_file = options.count == 2 && strcmp(options.arguments[1], "-") != 0;
    operands_default(&options);
    if (!input_open(&input, options.arguments[0]))
        return 1;
    if (to_file) {
        int fd;
        status_t status = sw_fd_open(options.arguments[1],
                                     SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE, 0644, &fd);
        if (status != SW_OK)
            return complain(options.arguments[1], status);
        sw_fd_duplicate_to(fd, 1);
    }
    while (input_line(&input, end, &line, &length)) {
        length -= line[length - 1] == end;
        if (times > 0 && alike(kept, kept_length, line, length)) {
            times++;
            continue;
        }
        if (times > 0)
            print(kept, kept_length, times, end);
        if (length + 1 > capacity) {
            capacity = 2 * (length + 1);
            free(kept);
            kept = malloc(capacity);
            if (!kept)
                out_of_memory(input.name);
        }
        memcpy(kept, line, length);
        kept_length = length;
        times = 1;
    }
    if (times > 0)
        print(kept, kept_length, times, end);
    return out_finish(input.failed);
}
