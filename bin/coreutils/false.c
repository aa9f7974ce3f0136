/* false: fails. */
#include "command.h"

int command_false(int count, char **arguments)
{
    (void)count, (void)arguments;
    return 1;
}
