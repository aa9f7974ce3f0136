/* comm: what two sorted files have in common, by lines, in three columns. */
#include "command.h"
#include <stdlib.h>
#include <string.h>

struct side {
    struct input input;
    char *line, *before; /* before: a copy of the line before it */
    size_t length, before_length;
    bool has_line, unsorted;
};

static char line_end = '\n';
static bool hidden[3];
static const char *between = "\t";

static int compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t length = a_length < b_length ? a_length : b_length;
    int result = length ? memcmp(a, b, length) : 0;
    return result ? result : (a_length > b_length) - (a_length < b_length);
}

static void keep_before(struct side *side)
{
    char *grown = realloc(side->before, side->length + 1);
    if (!grown)
        out_of_memory(side->input.name);
    memcpy(grown, side->line, side->length);
    side->before = grown;
    side->before_length = side->length;
}

static void advance(struct side *side)
{
    bool had = side->has_line;
    if (had)
        keep_before(side);
    side->has_line = input_line(&side->input, line_end, &side->line, &side->length);
    if (!side->has_line)
        return;
    side->length -= side->line[side->length - 1] == line_end;
    if (had && compare(side->before, side->before_length, side->line, side->length) > 0)
        side->unsorted = true;
}

/* column: 0 to 2. */
static void put(int column, const struct side *side)
{
    if (hidden[column])
        return;
    for (int i = 0; i < column; i++)
        if (!hidden[i])
            out_text(between);
    out_bytes(side->line, side->length);
    out_char(line_end);
}

int command_comm(int count, char **arguments)
{
    struct options options;
    static struct side sides[2];
    bool check = true, is_paired = true, said[2] = { false, false };
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter >= '1' && letter <= '3')
            hidden[letter - '1'] = true;
        else if (letter == 'z')
            line_end = 0;
        else if (!strcmp(options.name, "nocheck-order"))
            check = false;
        else
            between = options.value;
    }
    if (options.count != 2)
        return usage("two files expected");
    for (int i = 0; i < 2; i++) {
        if (!input_open(&sides[i].input, options.arguments[i]))
            return 1;
        advance(&sides[i]);
    }
    while (sides[0].has_line || sides[1].has_line) {
        int order = !sides[0].has_line ? 1 : !sides[1].has_line ? -1 : 0;
        if (!order)
            order = compare(sides[0].line, sides[0].length, sides[1].line, sides[1].length);
        put(order < 0 ? 0 : order > 0 ? 1 : 2, &sides[order > 0]);
        is_paired &= order == 0;
        if (order <= 0)
            advance(&sides[0]);
        if (order >= 0)
            advance(&sides[1]);
        for (int i = 0; i < 2; i++)
            if (check && sides[i].unsorted && !is_paired && !said[i]) {
                out_flush();
                complain_text(options.arguments[i], "is not sorted");
                said[i] = true;
            }
    }
    int result = said[0] || said[1];
    for (int i = 0; i < 2; i++) {
        result |= sides[i].input.failed;
        input_close(&sides[i].input);
        free(sides[i].before);
    }
    return out_finish(result);
}
