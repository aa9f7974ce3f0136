/* tac: lines of files, the last one first. */
#include "command.h"
#include <string.h>

int command_tac(int count, char **arguments)
{
    struct options options;
    int result = 0;
    if (!options_none(&options, count, arguments))
        return options.status;
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        struct input input;
        if (!input_open(&input, options.arguments[i]) || !input_whole(&input)) {
            result = 1;
            continue;
        }
        const char *text = input.buffer + input.start;
        for (size_t end = input.end - input.start; end > 0;) {
            size_t start = end - 1;
            while (start > 0 && text[start - 1] != '\n')
                start--;
            out_bytes(text + start, end - start);
            end = start;
        }
        input_close(&input);
    }
    return out_finish(result);
}
