/* Locks for the threads of one process: mutex, condition, once, over the kernel's futex.
 *
 * All zero is the initial state of each; there is nothing to destroy. Uncontended operations make
 * no call. Waiting ignores interrupts of the job. They may lie in memory shared between processes,
 * but a process that dies holding a mutex leaves it locked. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <swos/abi.h>

struct sw_mutex {
    _Atomic uint32_t word; /* 0 free, 1 held, 2 held and somebody may wait */
};

struct sw_recursive_mutex {
    struct sw_mutex mutex;
    uint32_t depth;
    _Atomic uintptr_t owner; /* thread pointer of the holder, 0: free */
};

struct sw_condition {
    _Atomic uint32_t sequence;
};

struct sw_once {
    _Atomic uint32_t word; /* 0 not run, 1 running, 2 running and somebody waits, 3 done */
};

void sw_mutex_lock(struct sw_mutex *mutex);
bool sw_mutex_try(struct sw_mutex *mutex);
/* False when the deadline passed. */
bool sw_mutex_lock_until(struct sw_mutex *mutex, uint64_t deadline);
void sw_mutex_unlock(struct sw_mutex *mutex);

void sw_recursive_lock(struct sw_recursive_mutex *mutex);
bool sw_recursive_try(struct sw_recursive_mutex *mutex);
void sw_recursive_unlock(struct sw_recursive_mutex *mutex);

/* Unlocks, waits, locks again. May return without a signal: test the predicate in a loop.
 * False when the deadline passed. */
bool sw_condition_wait(struct sw_condition *condition, struct sw_mutex *mutex, uint64_t deadline);
void sw_condition_signal(struct sw_condition *condition);
void sw_condition_broadcast(struct sw_condition *condition);

/* Runs the function once, however many threads ask; all return after it has. */
void sw_once_run(struct sw_once *once, void (*function)(void));
