/* system(), by the shell. Exactly the names of newlib's file, see remove.c. */
#include "errors.h"
#include <stdlib.h>
#include <swos/spawn.h>
#include <unistd.h>

#define KILLED 130 /* as an interrupted program ends */

/* Runs the shell with a command. Returns its status as wait() would show it, 127 when the shell
 * could not be started, -1 with errno when it could not be waited for. */
int system(const char *command)
{
    const char *arguments[] = { "sh", "-c", command, NULL };
    struct sw_spawn_options options = { .arguments = arguments,
                                        .environment = (const char *const *)environ };
    handle_t process;
    uint32_t pid;
    if (!command)
        return 1;
    if (sw_spawn_program("/bin/sh", &options, &process, &pid) != SW_OK)
        return 127 << 8;
    int32_t result = 0;
    status_t status = sw_process_wait(process, SW_NEVER, &result);
    if (status != SW_OK)
        sw_process_kill(process, KILLED);
    sw_handle_close(process);
    return status == SW_OK ? (result & 0xff) << 8 : status_return(status);
}

int _system_r(struct _reent *unused, const char *command)
{
    (void)unused;
    return system(command);
}
