/* head: the first lines or bytes, 10 lines by default; or all but the last. */
#include "command.h"
#include <string.h>

static bool bytes, all_but;
static uint64_t wanted = 10;

static void head_lines(struct input *input)
{
    char *piece;
    size_t length;
    for (uint64_t left = wanted; left > 0 && input_piece(input, &piece, &length);) {
        size_t taken = 0;
        while (taken < length && left > 0) {
            const char *end = memchr(piece + taken, '\n', length - taken);
            taken = end ? (size_t)(end - piece) + 1 : length;
            left -= end != NULL;
        }
        out_bytes(piece, taken);
    }
}

static void head_bytes(struct input *input)
{
    char *piece;
    size_t length;
    for (uint64_t left = wanted; left > 0 && input_piece(input, &piece, &length);) {
        size_t taken = length < left ? length : (size_t)left;
        out_bytes(piece, taken);
        left -= taken;
    }
}

/* All but the last: only the whole input tells which these are. */
static void head_but(struct input *input)
{
    if (!input_whole(input))
        return;
    const char *start = input->buffer + input->start;
    size_t length = input->end - input->start;
    if (bytes) {
        out_bytes(start, length > wanted ? length - (size_t)wanted : 0);
        return;
    }
    for (uint64_t left = wanted; left > 0 && length > 0; left--) {
        length--; /* the newline of the line itself, or what is last of one without */
        while (length > 0 && start[length - 1] != '\n')
            length--;
    }
    out_bytes(start, length);
}

static bool parse_count(const char *text)
{
    all_but = text[0] == '-';
    return parse_size(text + all_but, &wanted);
}

int command_head(int count, char **arguments)
{
    struct options options;
    int result = 0;
    bool quiet = false, verbose = false;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        quiet |= letter == 'q';
        verbose |= letter == 'v';
        if (letter == 'q' || letter == 'v')
            continue;
        bytes = letter == 'c';
        if (!parse_count(options.value))
            return usage("%s: not a number of %s", options.value, bytes ? "bytes" : "lines");
    }
    operands_default(&options);
    for (int i = 0, printed = 0; i < options.count; i++) {
        struct input input;
        if (!input_open(&input, options.arguments[i])) {
            result = 1;
            continue;
        }
        if (verbose || (options.count > 1 && !quiet)) {
            out_text(printed++ ? "\n==> " : "==> ");
            out_text(input.fd == 0 ? "standard input" : input.name);
            out_text(" <==\n");
        }
        if (all_but)
            head_but(&input);
        else if (bytes)
            head_bytes(&input);
        else
            head_lines(&input);
        result |= input.failed;
        input_close(&input);
    }
    return out_finish(result);
}
