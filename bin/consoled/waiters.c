/* See waiters.h. */
#include "waiters.h"

static void drop_gone(struct waiters *waiters, waiter_probe *is_there)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < waiters->count; i++)
        if (is_there(waiters->list[i].token))
            waiters->list[kept++] = waiters->list[i];
    waiters->count = kept;
}

bool waiters_add(struct waiters *waiters, const struct waiter *waiter, waiter_probe *is_there)
{
    if (waiters->count == WAITERS)
        drop_gone(waiters, is_there);
    if (waiters->count == WAITERS)
        return false;
    waiters->list[waiters->count++] = *waiter;
    return true;
}

bool waiters_due(const struct waiters *waiters, uint64_t printed)
{
    return waiters->count > 0 && waiters->list[0].until <= printed;
}

bool waiters_take(struct waiters *waiters, uint64_t printed, waiter_probe *is_there,
                  struct waiter *out)
{
    while (waiters_due(waiters, printed)) {
        *out = waiters->list[0];
        waiters->count--;
        for (unsigned i = 0; i < waiters->count; i++)
            waiters->list[i] = waiters->list[i + 1];
        if (is_there(out->token))
            return true;
    }
    return false;
}

void waiters_supersede(struct waiters *waiters)
{
    for (unsigned i = 0; i < waiters->count; i++)
        waiters->list[i].sets_mode = waiters->list[i].flushes = false;
}
