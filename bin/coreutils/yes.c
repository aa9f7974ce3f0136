/* yes: a line again and again, until nobody reads. */
#include "command.h"

int command_yes(int count, char **arguments)
{
    struct options options;
    options_start(&options, count, arguments, OPTIONS_FIRST);
    for (int letter; (letter = option_next(&options)) != 0;)
        return options.status;
    for (;;) {
        for (int i = 0; i < options.count; i++) {
            if (i)
                out_char(' ');
            out_text(options.arguments[i]);
        }
        if (options.count == 0)
            out_char('y');
        out_char('\n');
    }
}
