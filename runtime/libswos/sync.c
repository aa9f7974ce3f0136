/* Mutex, recursive mutex, condition and once over the kernel's futex.
 *
 * The mutex is the three-state one of Drepper's "Futexes are tricky" (mutex 2): a thread that had
 * to wait takes the word as 2, so an unlock that finds 1 knows that nobody sleeps. Model of it and
 * of the condition: tests/models/futex.pml. */
#include <swos/hot.h>
#include <swos/sync.h>

/* Sleeps while the word holds `expected`; returns for any reason. False: deadline passed. */
static bool word_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline)
{
    return sw_futex_wait((uint64_t)(uintptr_t)word, expected, deadline) != SW_TIMED_OUT;
}

static void word_wake(_Atomic uint32_t *word, uint32_t count)
{
    sw_futex_wake((uint64_t)(uintptr_t)word, count, NULL);
}

bool sw_mutex_try(struct sw_mutex *mutex)
{
    uint32_t seen = 0;
    return atomic_compare_exchange_strong_explicit(&mutex->word, &seen, 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

bool sw_mutex_lock_until(struct sw_mutex *mutex, uint64_t deadline)
{
    if (sw_mutex_try(mutex))
        return true;
    while (atomic_exchange_explicit(&mutex->word, 2, memory_order_acquire) != 0)
        if (!word_wait(&mutex->word, 2, deadline))
            return false;
    return true;
}

SW_HOT void sw_mutex_lock(struct sw_mutex *mutex)
{
    sw_mutex_lock_until(mutex, SW_NEVER);
}

SW_HOT void sw_mutex_unlock(struct sw_mutex *mutex)
{
    if (atomic_exchange_explicit(&mutex->word, 0, memory_order_release) == 2)
        word_wake(&mutex->word, 1);
}

/* The thread pointer is as good a name of a thread as any, and needs no call. */
static uintptr_t thread_name(void)
{
    return (uintptr_t)__builtin_thread_pointer();
}

bool sw_recursive_try(struct sw_recursive_mutex *mutex)
{
    /* Relaxed: only the holder itself can find its own name here. */
    if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) != thread_name()) {
        if (!sw_mutex_try(&mutex->mutex))
            return false;
        atomic_store_explicit(&mutex->owner, thread_name(), memory_order_relaxed);
    }
    mutex->depth++;
    return true;
}

void sw_recursive_lock(struct sw_recursive_mutex *mutex)
{
    if (sw_recursive_try(mutex))
        return;
    sw_mutex_lock(&mutex->mutex);
    atomic_store_explicit(&mutex->owner, thread_name(), memory_order_relaxed);
    mutex->depth = 1;
}

void sw_recursive_unlock(struct sw_recursive_mutex *mutex)
{
    if (--mutex->depth != 0)
        return;
    atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
    sw_mutex_unlock(&mutex->mutex);
}

bool sw_condition_wait(struct sw_condition *condition, struct sw_mutex *mutex, uint64_t deadline)
{
    /* Read while the mutex is held: a signal after the unlock changes the word, and the wait
     * below returns at once. */
    uint32_t sequence = atomic_load_explicit(&condition->sequence, memory_order_relaxed);
    sw_mutex_unlock(mutex);
    bool in_time = word_wait(&condition->sequence, sequence, deadline);
    sw_mutex_lock(mutex);
    return in_time;
}

void sw_condition_signal(struct sw_condition *condition)
{
    atomic_fetch_add_explicit(&condition->sequence, 1, memory_order_relaxed);
    word_wake(&condition->sequence, 1);
}

void sw_condition_broadcast(struct sw_condition *condition)
{
    atomic_fetch_add_explicit(&condition->sequence, 1, memory_order_relaxed);
    word_wake(&condition->sequence, UINT32_MAX);
}

SW_HOT void sw_once_run(struct sw_once *once, void (*function)(void))
{
    uint32_t seen = atomic_load_explicit(&once->word, memory_order_acquire);
    while (seen != 3) {
        if (seen == 0) {
            if (!atomic_compare_exchange_strong_explicit(
                    &once->word, &seen, 1, memory_order_acquire, memory_order_acquire))
                continue;
            function();
            if (atomic_exchange_explicit(&once->word, 3, memory_order_release) == 2)
                word_wake(&once->word, UINT32_MAX);
            return;
        }
        if (seen == 2 || atomic_compare_exchange_strong_explicit(
                             &once->word, &seen, 2, memory_order_acquire, memory_order_acquire)) {
            word_wait(&once->word, 2, SW_NEVER);
            seen = atomic_load_explicit(&once->word, memory_order_acquire);
        }
    }
}
