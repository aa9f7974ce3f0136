/* Clients of the service directory. */
#include <string.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/start.h>

status_t sw_service_connect(const char *name, uint64_t deadline, handle_t *out_connection)
{
    handle_t names = sw_start_get("names");
    if (!names)
        return SW_NOT_FOUND;
    status_t status = sw_names_lookup(names, name, strlen(name), out_connection, deadline);
    return status == SW_OK && !*out_connection ? SW_BAD_MESSAGE : status;
}

status_t sw_service_ready(void)
{
    handle_t names = sw_start_get("names");
    return names ? sw_names_ready(names, SW_NEVER) : SW_NOT_FOUND;
}
