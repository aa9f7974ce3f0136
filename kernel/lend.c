/* Bands lent to servers: who waits for a server does not wait for what is below himself.
 *
 * A thread runs in the highest of its own band, the bands of the calls it handles and those of the
 * calls that wait at the ports where it waited last (thread->lent is the highest of the latter
 * two). Deferred calls lend nothing. Whoever adds a call raises `lent`; whoever takes one away, or
 * makes the thread wait, has it recomputed here. Big lock. */
#include "ipc.h"
#include "process.h"

void thread_lend(struct thread *thread, uint8_t band)
{
    if (thread->lent != band) {
        thread->lent = band;
        thread_band_changed(thread);
    }
}

static uint8_t highest_waiting(const struct port *port)
{
    uint8_t highest = 0;
    list_for_each (at, &port->messages) {
        const struct channel *channel = CONTAINER(at, struct channel, port_link);
        for (uint8_t band = 3; band > highest; band--)
            if (channel->waiting[band - 1])
                highest = band;
    }
    return highest;
}

void call_lend_again(struct thread *thread)
{
    uint8_t lent = 0;
    list_for_each (at, &thread->handling) {
        uint8_t band = CONTAINER(at, struct call, handler_link)->band;
        lent = band > lent ? band : lent;
    }
    list_for_each (at, &thread->ports) {
        uint8_t band = highest_waiting(CONTAINER(at, struct port, server_link));
        lent = band > lent ? band : lent;
    }
    thread_lend(thread, lent);
}
