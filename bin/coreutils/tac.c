/* tac: lines of files, the last one first. */
#include "command.h"

static void from_the_end(struct input *input)
{
    if (!input_whole(input))
        return;
    const char *text = input->buffer + input->start;
    for (size_t end = input->end - input->start; end > 0;) {
        size_t start = end - 1;
        while (start > 0 && text[start - 1] != '\n')
            start--;
        out_bytes(text + start, end - start);
        end = start;
    }
}

int command_tac(int count, char **arguments)
{
    struct options options;
    if (!options_none(&options, count, arguments))
        return options.status;
    return out_finish(inputs_each(&options, from_the_end));
}
