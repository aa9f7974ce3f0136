/* How what netd has is shared out among programs, so that none takes it all.
 *
 * Who asks is known by what the kernel stamps on the call: a process, in a session (services have none: the
 * badge init gave each stands for it), of an account. One more is given if
 *
 *     the process's + its session's + its account's + all that are given out <= what there is
 *
 * with it counted in. So one process alone gets a quarter, one session a third, one account half; and
 * however many processes and sessions take all they can, where K accounts did another one finds at least
 * 1/2^K free, of which one of its processes gets a quarter. Nothing is set aside for anybody, and nobody
 * needs to be known before.
 *
 * What was given is counted until it is given back, by whoever asked for it first. Pure: knows no stack. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum share_of {
    SHARE_SOCKETS,
    SHARE_DATAGRAMS, /* bytes that wait to be read */
    SHARE_PINGS,     /* under way */
    SHARE_NAMES,
    SHARE_KINDS,
};

/* session: of a session its number, of a service SHARE_SERVICE | badge. */
#define SHARE_SERVICE (1u << 31)
struct owner {
    uint32_t account, session, pid;
};

struct share;

/* How much there is of each; before anything is given. */
void shares_open(const uint32_t most[SHARE_KINDS]);

/* A process's share; to be closed once all of it was given back. NULL: no memory. */
struct share *share_open(const struct owner *owner);
/* Another hold on it. */
struct share *share_again(struct share *share);
void share_close(struct share *share);
struct owner share_owner(const struct share *share);

/* Whether it may have so much more. */
bool share_may(const struct share *share, enum share_of what, uint32_t amount);
/* False: it may not, and has got nothing. */
bool share_take(struct share *share, enum share_of what, uint32_t amount);
/* The same whatever it has: a predecessor gave it. */
void share_keep(struct share *share, enum share_of what, uint32_t amount);
void share_give(struct share *share, enum share_of what, uint32_t amount);
