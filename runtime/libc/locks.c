/* newlib's locks (stdio, malloc, environment, time zone) over the futex.
 *
 * All of them, in this one object, which is linked before the archives like the start code: newlib
 * brings a file of dummies under the same names, and the linker would take those when it finds
 * them first, and say nothing. What a program does not use is left out of it. */
#include <stdlib.h>
#include <swos/sync.h>
#include <sys/lock.h>

struct __lock {
    struct sw_recursive_mutex recursive; /* plain locks use the mutex inside alone */
};

struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

/* Stands in for locks that no memory was left for: coarser, but it locks. Recursive use of it by
 * two streams of one thread is why it may only replace recursive ones. */
static struct __lock shared;

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
    if (!*lock)
        *lock = &shared;
}

/* newlib makes plain locks for static objects only, at most a handful. */
void __retarget_lock_init(_LOCK_T *lock)
{
    *lock = calloc(1, sizeof(**lock));
    if (!*lock)
        abort();
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
    if (lock != &shared)
        free(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
    free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
    sw_mutex_lock(&lock->recursive.mutex);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
    return sw_mutex_try(&lock->recursive.mutex);
}

void __retarget_lock_release(_LOCK_T lock)
{
    sw_mutex_unlock(&lock->recursive.mutex);
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
    sw_recursive_lock(&lock->recursive);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return sw_recursive_try(&lock->recursive);
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
    sw_recursive_unlock(&lock->recursive);
}
