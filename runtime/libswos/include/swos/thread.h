/* Threads of this process.
 *
 * A thread's stack, guard page and thread-local storage are one memory object, freed by join, or
 * for a detached thread by whoever starts or joins a thread next. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

struct sw_thread;

#define SW_THREAD_STACK (256 * 1024)

/* Starts a thread at entry(argument). stack_size: bytes, 0 for SW_THREAD_STACK. The thread must be
 * joined or detached exactly once. */
status_t sw_thread_start(void *(*entry)(void *), void *argument, size_t stack_size,
                         struct sw_thread **out_thread);

/* Waits for the end of a thread, frees it, and returns what it returned. TIMED_OUT: still running
 * and still to be joined. */
status_t sw_thread_join(struct sw_thread *thread, uint64_t deadline, void **out_result);

/* Frees the thread by itself once it ends. */
void sw_thread_detach(struct sw_thread *thread);

/* Ends the calling thread. In the first thread: waits for no other, ends only itself. */
_Noreturn void sw_thread_leave(void *result);

/* The calling thread; NULL in the first one. */
struct sw_thread *sw_thread_self(void);

/* Supplied by libc: runs in every thread started here, just before it ends. */
void sw_thread_at_end(void);

/* Size of a thread's TLS area and setting it up; used by the start code for the first thread.
 * `area` is sw_tls_size() bytes, 64-byte aligned; returns the thread pointer. */
size_t sw_tls_size(void);
uintptr_t sw_tls_init(void *area);
