/* See share.h. */
#include "share.h"
#include <stdlib.h>

#define BUCKETS 256u

/* One of each process, session and account that has something, or is about to. */
struct share {
    struct share *next, *parent; /* parent NULL: an account */
    uint32_t key, references;
    uint32_t held[SHARE_KINDS];
};

static uint32_t most[SHARE_KINDS], given[SHARE_KINDS];
static struct share *buckets[BUCKETS];

void shares_open(const uint32_t amounts[SHARE_KINDS])
{
    for (int i = 0; i < SHARE_KINDS; i++)
        most[i] = amounts[i];
}

static struct share **bucket_of(const struct share *parent, uint32_t key)
{
    return &buckets[((uintptr_t)parent / sizeof(*parent) + key) % BUCKETS];
}

/* The share of `key` below another one, with one hold more. */
static struct share *find(struct share *parent, uint32_t key)
{
    struct share **bucket = bucket_of(parent, key), *share = *bucket;

    while (share && (share->parent != parent || share->key != key))
        share = share->next;
    if (share)
        return share_again(share);
    if (!(share = calloc(1, sizeof(*share))))
        return NULL;
    share->key = key;
    share->references = 1;
    share->parent = parent ? share_again(parent) : NULL;
    share->next = *bucket;
    *bucket = share;
    return share;
}

struct share *share_open(const struct owner *owner)
{
    const uint32_t keys[] = { owner->account, owner->session, owner->pid };
    struct share *share = NULL;

    for (int i = 0; i < 3; i++) {
        struct share *below = find(share, keys[i]);
        if (share)
            share_close(share); /* the one below holds it */
        if (!below)
            return NULL;
        share = below;
    }
    return share;
}

struct share *share_again(struct share *share)
{
    share->references++;
    return share;
}

void share_close(struct share *share)
{
    while (share && --share->references == 0) {
        struct share *parent = share->parent, **link = bucket_of(parent, share->key);

        while (*link != share)
            link = &(*link)->next;
        *link = share->next;
        free(share);
        share = parent;
    }
}

struct owner share_owner(const struct share *share)
{
    return (struct owner){ .account = share->parent->parent->key,
                           .session = share->parent->key,
                           .pid = share->key };
}

bool share_may(const struct share *share, enum share_of what, uint32_t amount)
{
    uint64_t sum = (uint64_t)given[what] + amount;

    for (; share; share = share->parent)
        sum += (uint64_t)share->held[what] + amount;
    return sum <= most[what];
}

bool share_take(struct share *share, enum share_of what, uint32_t amount)
{
    if (!share_may(share, what, amount))
        return false;
    share_keep(share, what, amount);
    return true;
}

void share_keep(struct share *share, enum share_of what, uint32_t amount)
{
    given[what] += amount;
    for (; share; share = share->parent)
        share->held[what] += amount;
}

void share_give(struct share *share, enum share_of what, uint32_t amount)
{
    given[what] -= amount;
    for (; share; share = share->parent)
        share->held[what] -= amount;
}
