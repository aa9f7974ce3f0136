/* Ports for single waits inside libswos. One spare is kept, so a loop of polls makes none. */
#include "open_file.h"

static _Atomic handle_t spare;

status_t wait_port_take(handle_t *out_port)
{
    *out_port = atomic_exchange_explicit(&spare, 0, memory_order_acquire);
    return *out_port ? SW_OK : sw_port_create(out_port);
}

/* The port must have no bindings left. */
void wait_port_put(handle_t port)
{
    handle_t none = 0;
    if (!atomic_compare_exchange_strong_explicit(&spare, &none, port, memory_order_release,
                                                 memory_order_relaxed))
        sw_handle_close(port);
}
