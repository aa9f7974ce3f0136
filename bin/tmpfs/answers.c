/* Answers that a client may not have heard: what a request came to when its server died.
 *
 * A client that loses its server in the middle of a request sends it again, under the same number.
 * Most requests that change something are not the same done twice (mkdir, rename, append, an
 * exclusive open), so the answer is part of the change itself (struct journal), and the successor,
 * which cannot know whether the client heard it, keeps it. One server with one thread has one
 * request at a time: the last answer of a process is the only one in doubt. Requests that failed
 * changed nothing and are carried out anew. What this process answered lately it remembers as well,
 * in memory of its own: whoever forwards requests may send one twice.
 *
 * Names of requests are a client's process number, which the kernel stamps and never uses again,
 * and a number the process never uses again: an answer that is not asked for harms nobody, and
 * goes when ANSWERS_KEPT later deaths have left theirs. */
#include "store.h"
#include <string.h>

uint32_t answer_check(const struct answer *answer)
{
    return (uint32_t)(checksum((const uint8_t *)answer + 8, sizeof(*answer) - 8, answer->pid) >>
                      16);
}

void answer_begin(struct store *store, uint32_t pid, uint64_t id)
{
    store->answer = (struct answer){ .pid = pid, .id = id, .inode = NONE };
}

static uint32_t recent_place(uint32_t pid, uint64_t id)
{
    return (uint32_t)mix(id ^ (uint64_t)pid << 40) & (ANSWERS_RECENT - 1);
}

void answer_given(struct store *store)
{
    struct answer *answer = &store->answer;
    uint32_t inode = answer->inode;
    if (inode != NONE)
        answer->inode_generation = store->inodes[inode].generation;
    store->recent[recent_place(answer->pid, answer->id)] = *answer;
    answer->id = 0; /* a request makes one change */
}

const struct answer *answer_find(const struct store *store, uint32_t pid, uint64_t id)
{
    const struct answer *kept = store->answers->kept;
    if (id == 0)
        return NULL;
    const struct answer *recent = &store->recent[recent_place(pid, id)];
    if (recent->id == id && recent->pid == pid)
        return recent;
    if (!store->answers_kept)
        return NULL;
    for (uint32_t i = 0; i < ANSWERS_KEPT; i++)
        if (kept[i].id == id && kept[i].pid == pid && kept[i].check == answer_check(&kept[i]))
            return &kept[i];
    return NULL;
}

uint32_t answer_inode(const struct store *store, const struct answer *answer)
{
    uint32_t inode = answer->inode;
    return inode < store->inodes_ready && store->inodes[inode].kind != 0 &&
                   store->inodes[inode].generation == answer->inode_generation
               ? inode
               : NONE;
}

/* A death in here leaves the answer where it was, or in both places, or kept: all are good. */
void answers_recover(struct store *store)
{
    struct answers *answers = store->answers;
    struct answer last = answers->last;
    uint32_t next;
    if (!counter_get(&answers->next, &next))
        next = 0;
    if (last.id && last.check == answer_check(&last)) {
        /* Nothing has happened since, so the inode is the one that was opened. */
        if (last.inode < store->inodes_ready)
            last.inode_generation = store->inodes[last.inode].generation;
        last.check = answer_check(&last);
        answers->kept[next % ANSWERS_KEPT] = last;
        counter_put(&answers->next, (next + 1) % ANSWERS_KEPT);
    }
    memset(&answers->last, 0, sizeof(answers->last));
    for (uint32_t i = 0; i < ANSWERS_KEPT; i++)
        store->answers_kept |= answers->kept[i].id != 0;
}
