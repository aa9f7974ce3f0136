/* Waiting for a process. */
#include "open_file.h"
#include <swos/spawn.h>

status_t sw_process_wait(handle_t process, uint64_t deadline, int32_t *out_status)
{
    handle_t port;
    status_t status = wait_port_take(&port);
    if (status != SW_OK)
        return status;
    struct sw_wait wait = { 0 };
    status = sw_port_bind(port, process, UINT64_MAX, 0);
    if (status == SW_OK) {
        status = sw_port_wait(port, &wait, deadline);
        sw_port_unbind(port, process);
    }
    wait_port_put(port);
    if (status == SW_OK)
        *out_status = (int32_t)wait.event.badge;
    return status;
}
