/* paste: lines of several files side by side, or with -s the lines of each in one. */
#include "command.h"
#include <stdlib.h>
#include <string.h>

/* What stands between lines, each in its turn; a length of 0 is nothing (\0). */
struct between {
    const char *text;
    size_t length;
};

static struct between *list;
static size_t list_count;
static char line_end = '\n';

static bool read_list(const char *text)
{
    static const char letters[] = "ntbrfv\\0", values[] = "\n\t\b\r\f\v\\";
    size_t left = strlen(text);
    list = calloc(left + 1, sizeof(*list));
    if (!list)
        out_of_memory(NULL);
    while (left > 0) {
        uint32_t c;
        size_t size = utf8_decode(text, left, &c);
        struct between between = { text, size ? size : 1 };
        if (*text == '\\') {
            const char *letter = left > 1 ? strchr(letters, text[1]) : NULL;
            if (!letter)
                return false;
            between = (struct between){ values + (letter - letters), *letter != '0' };
            size = 2;
        }
        list[list_count++] = between;
        text += size ? size : 1;
        left -= size ? size : 1;
    }
    if (list_count == 0)
        list_count = 1; /* nothing between them */
    return true;
}

static void put_between(size_t number)
{
    const struct between *between = &list[number % list_count];
    out_bytes(between->text, between->length);
}

static void put_line(const char *line, size_t length)
{
    out_bytes(line, length - (line[length - 1] == line_end));
}

static void paste_serially(struct input *input)
{
    char *line;
    size_t length;
    for (size_t number = 0; input_line(input, line_end, &line, &length); number++) {
        if (number > 0)
            put_between(number - 1);
        put_line(line, length);
    }
    out_char(line_end);
}

/* Where `-` stands several times, each takes the next line. */
static int paste_side_by_side(const struct options *options)
{
    int count = options->count, result = 0;
    struct input *own = calloc((size_t)count, sizeof(*own));
    struct input **inputs = calloc((size_t)count, sizeof(struct input *));
    struct input *standard = NULL;
    if (!own || !inputs)
        out_of_memory(NULL);
    for (int i = 0; i < count; i++) {
        bool is_standard = !strcmp(options->arguments[i], "-");
        inputs[i] = is_standard && standard ? standard : &own[i];
        if (inputs[i] == &own[i] && !input_open(&own[i], options->arguments[i]))
            return 1; /* as GNU: nothing is printed */
        if (is_standard)
            standard = inputs[i];
    }
    for (;;) {
        int printed = -1; /* the last file a line was taken from */
        for (int i = 0; i < count; i++) {
            char *line;
            size_t length;
            if (!input_line(inputs[i], line_end, &line, &length))
                continue;
            for (int at = printed < 0 ? 0 : printed; at < i; at++)
                put_between((size_t)at);
            printed = i;
            put_line(line, length);
        }
        if (printed < 0)
            break;
        for (int at = printed; at < count - 1; at++)
            put_between((size_t)at);
        out_char(line_end);
    }
    for (int i = 0; i < count; i++)
        if (inputs[i] == &own[i]) {
            result |= own[i].failed;
            input_close(&own[i]);
        }
    free(own);
    free(inputs);
    return result;
}

int command_paste(int count, char **arguments)
{
    struct options options;
    const char *between = "\\t";
    bool serial = false;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'd')
            between = options.value;
        else if (letter == 's')
            serial = true;
        else
            line_end = 0;
    }
    if (!read_list(between))
        return usage("%s: a backslash before what is none of ntbrfv\\0", between);
    if (serial)
        return out_finish(inputs_each(&options, paste_serially));
    operands_default(&options);
    return out_finish(paste_side_by_side(&options));
}
