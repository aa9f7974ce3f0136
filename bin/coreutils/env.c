/* env: runs a program in a changed environment, or prints the environment. */
#include "command.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>

/* Takes a variable out of a NULL-terminated environment. */
static void drop(const char **environment, const char *name, size_t length)
{
    const char **to = environment;
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) != 0 || (*environment)[length] != '=')
            *to++ = *environment;
    *to = NULL;
}

int command_env(int count, char **arguments)
{
    struct options options;
    char end = '\n';
    const char **own = own_environment();
    size_t size = 0;
    while (own[size])
        size++;
    const char **environment = calloc(size + (size_t)count + 1, sizeof(*environment));
    if (!environment)
        out_of_memory(NULL);
    memcpy(environment, own, size * sizeof(*own));
    options_start(&options, count, arguments, OPTIONS_FIRST);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'i')
            environment[0] = NULL;
        if (letter == 'u')
            drop(environment, options.value, strlen(options.value));
        if (letter == '0')
            end = 0;
    }
    char **words = options.arguments;
    for (; *words && strchr(*words, '='); words++) {
        size_t at = 0;
        drop(environment, *words, (size_t)(strchr(*words, '=') - *words));
        while (environment[at])
            at++;
        environment[at] = *words;
        environment[at + 1] = NULL;
    }
    if (*words) {
        trouble = 126;
        return run_program((const char *const *)words, environment);
    }
    for (size_t i = 0; environment[i]; i++) {
        out_text(environment[i]);
        out_char(end);
    }
    return out_finish(0);
}
