/* expand: tabs as blanks. */
#include "command.h"
#include <stdlib.h>
#include <string.h>

static uint64_t *stops; /* columns, growing; with one, it is the distance of all */
static size_t stop_count;
static bool only_first;

/* N or N,N... */
static bool read_stops(char *text)
{
    stops = malloc((strlen(text) + 1) * sizeof(*stops));
    if (!stops)
        out_of_memory(NULL);
    stop_count = 0;
    for (char *rest, *word = strtok_r(text, ", ", &rest); word;
         word = strtok_r(NULL, ", ", &rest)) {
        uint64_t stop;
        if (!parse_number(word, 10, &stop) || stop == 0 || stop > SIZE_MAX / 2 ||
            (stop_count > 0 && stop <= stops[stop_count - 1]))
            return false;
        stops[stop_count++] = stop;
    }
    return stop_count > 0;
}

/* The column a tab at `column` goes to; behind the last stop it is one blank. */
static uint64_t next_stop(uint64_t column)
{
    if (stop_count == 1)
        return (column / stops[0] + 1) * stops[0];
    for (size_t i = 0; i < stop_count; i++)
        if (stops[i] > column)
            return stops[i];
    return column + 1;
}

static void expand_line(const char *line, size_t length)
{
    uint64_t column = 0;
    bool first = true;
    for (size_t at = 0; at < length;) {
        uint32_t c;
        size_t size = utf8_decode(line + at, length - at, &c);
        size = size ? size : 1;
        if (line[at] == '\t' && (first || !only_first)) {
            uint64_t next = next_stop(column);
            out_spaces(next - column);
            column = next;
        } else {
            out_bytes(line + at, size);
            first &= line[at] == ' ' || line[at] == '\t';
            column = line[at] == '\b' ? column - (column > 0) : column + 1;
        }
        at += size;
    }
}

static void expand(struct input *input)
{
    char *line;
    size_t length;
    while (input_line(input, '\n', &line, &length))
        expand_line(line, length);
}

int command_expand(int count, char **arguments)
{
    struct options options;
    static char eight[] = "8";
    char *text = eight;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'i')
            only_first = true;
        else
            text = options.value;
    }
    if (!read_stops(text))
        return usage("-t: growing numbers expected");
    return out_finish(inputs_each(&options, expand));
}
