/* printenv: values of variables, or the environment. */
#include "command.h"
#include "run.h"

int command_printenv(int count, char **arguments)
{
    struct options options;
    int result = 0;
    if (!options_none(&options, count, arguments))
        return options.status;
    const char **environment = own_environment();
    for (int i = 0; i < options.count; i++) {
        const char *value = variable_of(environment, options.arguments[i]);
        if (!value) {
            result = 1;
            continue;
        }
        out_text(value);
        out_char('\n');
    }
    for (size_t i = 0; environment[i] && options.count == 0; i++) {
        out_text(environment[i]);
        out_char('\n');
    }
    return out_finish(result);
}
