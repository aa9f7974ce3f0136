/* nl: numbers before lines. A line of \:\:\:, \:\: or \: begins a header, a body or a footer. */
#include "command.h"
#include <string.h>

enum { HEADER, BODY, FOOTER, PARTS };

/* Which lines are numbered: 'a' all, 't' those that are not empty, 'n' none. */
static char numbered[PARTS] = { 'n', 't', 'n' };
static int part = BODY;
static bool left_aligned, with_zeros, goes_on;
static const char *separator = "\t";
static uint64_t width = 6, step = 1, first = 1, next = 1;

static bool is_style(const char *text)
{
    return (*text == 'a' || *text == 't' || *text == 'n') && !text[1];
}

/* The part a line begins, PARTS: none. */
static int part_begun(const char *line, size_t length)
{
    static const char mark[] = "\\:\\:\\:";
    if (length > 0 && length <= 6 && length % 2 == 0 && !memcmp(line, mark, length))
        return (int)(3 - length / 2);
    return PARTS;
}

static void put_number(void)
{
    char digits[24];
    size_t at = sizeof(digits);
    for (uint64_t rest = next; rest > 0 || at == sizeof(digits); rest /= 10)
        digits[--at] = (char)('0' + rest % 10);
    size_t length = sizeof(digits) - at, fill = width > length ? width - length : 0;
    if (with_zeros)
        for (size_t i = 0; i < fill; i++)
            out_char('0');
    else if (!left_aligned)
        out_spaces(fill);
    out_bytes(digits + at, length);
    if (left_aligned)
        out_spaces(fill);
    out_text(separator);
    next += step;
}

static void number_lines(struct input *input)
{
    char *line;
    size_t length;
    while (input_line(input, '\n', &line, &length)) {
        length -= line[length - 1] == '\n';
        int begun = part_begun(line, length);
        if (begun != PARTS) {
            part = begun;
            if (!goes_on)
                next = first;
            length = 0;
        } else if (numbered[part] == 'a' || (numbered[part] == 't' && length > 0)) {
            put_number();
        } else {
            out_spaces(width + strlen(separator));
        }
        out_bytes(line, length);
        out_char('\n');
    }
}

int command_nl(int count, char **arguments)
{
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        bool known = true;
        switch (letter) {
        case OPTION_END_EARLY:
            return options.status;
        case 'h':
        case 'b':
        case 'f':
            known = is_style(options.value);
            numbered[letter == 'h' ? HEADER : letter == 'b' ? BODY : FOOTER] = *options.value;
            break;
        case 'n':
            known = !strcmp(options.value, "ln") || !strcmp(options.value, "rn") ||
                    !strcmp(options.value, "rz");
            left_aligned = options.value[0] == 'l';
            with_zeros = !left_aligned && options.value[1] == 'z';
            break;
        case 's':
            separator = options.value;
            break;
        case 'w':
            known = parse_number(options.value, 10, &width) && width > 0 && width < PIECE;
            break;
        case 'i':
            known = parse_number(options.value, 10, &step);
            break;
        case 'v':
            known = parse_number(options.value, 10, &first);
            break;
        default:
            goes_on = true;
        }
        if (!known)
            return usage("-%c: %s is none of its values", letter, options.value);
    }
    next = first;
    return out_finish(inputs_each(&options, number_lines));
}
