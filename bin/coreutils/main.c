/* The multi-call binary: argument 0 chooses the command. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>

const char *command_name = "coreutils";

static const struct {
    char name[12];
    int (*run)(int count, char **arguments);
} commands[] = {
#define COMMAND(name) { #name, command_##name },
#include "commands.inc"
#undef COMMAND
};

int main(int count, char **arguments)
{
    const char *name = count > 0 ? arguments[0] : command_name;
    const char *slash = strrchr(name, '/');
    command_name = slash ? slash + 1 : name;
    /* coreutils NAME ... does the same without the other names */
    if (!strcmp(command_name, "coreutils") && count > 1) {
        count--;
        arguments++;
        command_name = arguments[0];
    }
    const char *known = strcmp(command_name, "[") ? command_name : "test";
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].name[0] == known[0] && !strcmp(commands[i].name, known))
            return commands[i].run(count, arguments);
    return complain_text(NULL, "no such command");
}
