/* fold: breaks lines that are too long. */
#include "command.h"

enum { TAB = 8 };

static uint64_t width = 80;
static bool bytes, at_blanks;

/* Where the cursor is behind a character at `column`. */
static uint64_t behind(uint64_t column, uint32_t c)
{
    if (bytes)
        return column + 1;
    if (c == '\b')
        return column > 0 ? column - 1 : 0;
    if (c == '\r')
        return 0;
    if (c == '\t')
        return (column / TAB + 1) * TAB;
    return column + 1;
}

static void fold_line(const char *line, size_t length)
{
    size_t start = 0, blank = 0; /* blank: behind the last one since start, or start */
    uint64_t column = 0;
    for (size_t at = 0; at < length;) {
        uint32_t c = (uint8_t)line[at];
        size_t size = bytes ? 1 : utf8_decode(line + at, length - at, &c);
        size = size ? size : 1;
        if (line[at] == '\n')
            break;
        uint64_t next = behind(column, c);
        if (next > width && at > start) {
            size_t stop = at_blanks && blank > start ? blank : at;
            out_bytes(line + start, stop - start);
            out_char('\n');
            start = blank = stop;
            column = 0;
            at = stop; /* what is behind the blank is measured again */
            continue;
        }
        column = next;
        at += size;
        if (c == ' ' || c == '\t')
            blank = at;
    }
    out_bytes(line + start, length - start);
}

static void fold(struct input *input)
{
    char *line;
    size_t length;
    while (input_line(input, '\n', &line, &length))
        fold_line(line, length);
}

int command_fold(int count, char **arguments)
{
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'b')
            bytes = true;
        else if (letter == 's')
            at_blanks = true;
        else if (!parse_number(options.value, 10, &width) || width == 0)
            return usage("%s: not a width", options.value);
    }
    return out_finish(inputs_each(&options, fold));
}
