/* Futexes: threads asleep on a word, keyed by memory object number and byte offset, so that two
 * mappings of one object meet. Object numbers are never reused: a key needs no reference. Nothing
 * allocates; a sleeper is in one of the buckets by its wait_link. Big lock; model:
 * tests/models/futex.pml. */
#include "syscall_handlers.h"

#define BUCKETS 64

static struct list buckets[BUCKETS];

static struct list *bucket_of(uint64_t memory, uint64_t offset)
{
    uint32_t hash = ((uint32_t)memory * 0x9e3779b1u ^ (uint32_t)(offset >> 2)) * 0x85ebca6bu;
    struct list *bucket = &buckets[hash >> 26];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

struct key {
    uint64_t memory; /* object number; 0: the word lies in none */
    uint64_t offset;
};

/* The word is aligned, so it lies in one page. */
static inline struct key key_of(struct space *space, vaddr_t word)
{
    const struct region *region = space_region(space, word);
    if (!region)
        return (struct key){ 0 };
    return (struct key){ region->memory->object.id,
                         region->offset * PAGE_SIZE + (word - region->start) };
}

static uint32_t wake_key(struct key key, uint32_t count)
{
    struct list *bucket = bucket_of(key.memory, key.offset);
    uint32_t woken = 0;
    list_for_each_safe (at, after, bucket) {
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

/* A wait that only its deadline ends. It is in no bucket. */
static COLD status_t sleep_until(struct thread *thread, uint64_t deadline)
{
    return thread_block(thread, SW_WAIT_SLEEP, deadline);
}

/* The word's page is not there yet, or cannot be read. */
static COLD status_t word_fault(struct space *space, vaddr_t word, uint32_t *out_value)
{
    void *pointer;
    status_t status = space_pointer(space, word, SW_MAP_READ, &pointer);
    if (status == SW_OK)
        *out_value = *(const volatile uint32_t *)pointer;
    return status == SW_ACCESS ? SW_FAULT : status;
}

status_t sys_futex_wait(struct thread *thread, uint64_t word, uint32_t expected, uint64_t deadline)
{
    if (word % 4)
        return SW_INVALID;
    struct key key = key_of(thread->process->space, word);
    if (!key.memory)
        return word ? SW_FAULT : sleep_until(thread, deadline);
    uint32_t value;
    if (!arch_load_user(word, &value)) {
        status_t status = word_fault(thread->process->space, word, &value);
        if (status != SW_OK)
            return status;
    }
    /* Pairs with the store a waker makes before futex_wake, by the lock: if the wake had it before
     * us the store is seen here, else the wake sees the sleeper. */
    if (value != expected)
        return SW_BAD_STATE;
    status_t status = thread_block(thread, SW_WAIT_FUTEX, deadline);
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
