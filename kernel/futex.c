/* Futexes: threads asleep on a word, keyed by memory object number and byte offset, so that two
 * mappings of one object meet. Object numbers are never reused: a key needs no reference. Nothing
 * allocates; a sleeper is in one of the buckets by its wait_link. Big lock. */
#include "syscall_handlers.h"

#define BUCKETS 64

static struct list buckets[BUCKETS];

static struct list *bucket_of(uint64_t memory, uint64_t offset)
{
    uint64_t hash = (memory * 0x9e3779b97f4a7c15ull ^ offset >> 2) * 0xd6e8feb86659fd93ull;
    struct list *bucket = &buckets[hash >> 58];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

struct key {
    uint64_t memory; /* object number; 0: the word lies in none */
    uint64_t offset;
};

/* The word is aligned, so it lies in one page. */
static struct key key_of(struct space *space, vaddr_t word)
{
    const struct region *region = space_region(space, word);
    if (!region)
        return (struct key){ 0 };
    return (struct key){ region->memory->object.id, region->offset * PAGE_SIZE + (word - region->start) };
}

static uint32_t wake_key(struct key key, uint32_t count)
{
    struct list *bucket = bucket_of(key.memory, key.offset);
    uint32_t woken = 0;
    list_for_each_safe(at, after, bucket) {
        if (woken == count)
            break;
        struct thread *thread = CONTAINER(at, struct thread, wait_link);
        if (thread->futex_memory != key.memory || thread->futex_offset != key.offset)
            continue;
        thread_wake(thread, SW_OK);
        woken++;
    }
    return woken;
}

void futex_wake_word(struct space *space, vaddr_t word, uint32_t count)
{
    struct key key = key_of(space, word);
    if (word % 4 == 0 && key.memory)
        wake_key(key, count);
}

void futex_thread_gone(struct thread *thread)
{
    list_remove(&thread->wait_link);
}

status_t sys_futex_wait(struct thread *thread, uint64_t word, uint32_t expected, uint64_t deadline)
{
    if (word % 4)
        return SW_INVALID;
    struct key key = key_of(thread->process->space, word);
    if (!key.memory)
        return SW_FAULT;
    void *pointer;
    status_t status = space_pointer(thread->process->space, word, SW_MAP_READ, &pointer);
    if (status != SW_OK)
        return status == SW_ACCESS ? SW_FAULT : status;
    /* Pairs with the store a waker makes before futex_wake: seen here, or the wake sees the sleeper. */
    if (__atomic_load_n((uint32_t *)pointer, __ATOMIC_SEQ_CST) != expected)
        return SW_BAD_STATE;
    status = thread_block(thread, SW_WAIT_FUTEX, deadline);
    if (status == SYSCALL_BLOCKED) {
        thread->futex_memory = key.memory;
        thread->futex_offset = key.offset;
        list_add_tail(bucket_of(key.memory, key.offset), &thread->wait_link);
    }
    return status;
}

status_t sys_futex_wake(struct thread *thread, uint64_t word, uint32_t count, uint64_t *out_woken)
{
    if (word % 4)
        return SW_INVALID;
    struct key key = key_of(thread->process->space, word);
    if (!key.memory)
        return SW_FAULT;
    *out_woken = wake_key(key, count);
    return SW_OK;
}
