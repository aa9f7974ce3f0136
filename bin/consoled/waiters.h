/* Calls that are answered when the output of before them has left, in the order they came. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define WAITERS 16

struct waiter {
    uint64_t token; /* of the call */
    uint64_t
        until; /* bytes of output sent to be reached; never less than those before it wait for */
    bool sets_mode, flushes; /* what is to be done then */
    uint32_t mode;
};

struct waiters {
    struct waiter list[WAITERS]; /* the one that has waited for longest first */
    unsigned count;
};

/* Whether the caller of the token still waits for its answer: nobody tells when it is gone. */
typedef bool waiter_probe(uint64_t token);

/* False: there is no room, though the places of those that are gone were freed. */
bool waiters_add(struct waiters *waiters, const struct waiter *waiter, waiter_probe *is_there);

/* Whether one is there whose output has left. */
bool waiters_due(const struct waiters *waiters, uint64_t printed);

/* Takes the next of those whose output has left; who is gone is left out, and what it wanted with it: the
 * terminal has been somebody else's since. False: there is none. */
bool waiters_take(struct waiters *waiters, uint64_t printed, waiter_probe *is_there,
                  struct waiter *out);

/* The modes were set at once by a call that came later: those that wait are answered in their time, and
 * change nothing. */
void waiters_supersede(struct waiters *waiters);
