/* rev: the characters of each line, the last one first. */
#include "command.h"

static void reverse(struct input *input)
{
    char *line;
    size_t length;
    while (input_line(input, '\n', &line, &length)) {
        bool ended = line[length - 1] == '\n';
        length -= ended;
        for (size_t end = length; end > 0;) {
            size_t start = end - 1;
            uint32_t c;
            while (start > 0 && end - start < 4 && (line[start] & 0xc0) == 0x80)
                start--;
            if (utf8_decode(line + start, end - start, &c) != end - start)
                start = end - 1;
            out_bytes(line + start, end - start);
            end = start;
        }
        if (ended)
            out_char('\n');
    }
}

int command_rev(int count, char **arguments)
{
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    return out_finish(inputs_each(&options, reverse));
}
