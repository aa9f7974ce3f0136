/* The whole portable kernel on the host: CPUs, TLBs, time and RAM played by fake_machine.c.
 *
 * Each CPU is a host thread, but only one host thread runs at a time: the test's, or the one CPU it
 * gave the word to, until that CPU is back in user mode or idle. So a test is repeatable and says
 * itself in what order things happen. User memory is reached as a CPU would: through a TLB that
 * forgets only what it is told to, so a missing flush shows as a stale translation. */
#pragma once
#include "process.h"

#define FAKE_DATA 0x20010000ull /* 16 writable pages of every program */
#define FAKE_DATA_PAGES 16

/* RAM, jobs, `cpus` idle CPUs, and process 1 ("keeper") with SW_START_HANDLE(0) = root job (all
 * rights) and (1) = the program's memory, running. Once a test program. */
struct thread *fake_start(uint32_t cpu_count, uint64_t ram_pages);

/* Lets all CPUs do what they have to (kicks, timers) until everything is in user mode or idle. */
void fake_settle(void);
/* Time passes, timers fire in order. */
void fake_advance(uint64_t ns);
uint64_t fake_now(void);
/* Where the thread runs: advances time until it does. -1: it does not get to run. */
int fake_run(struct thread *thread);

/* A system call made by a running thread (fake_run). Returns x0; if the thread is then not running,
 * the call blocked (or ended it): SW_SYS_PENDING. Other results are in thread->frame.x. */
#define SW_SYS_PENDING 1000
int64_t fake_call(struct thread *thread, uint32_t number, uint64_t a, uint64_t b, uint64_t c,
                  uint64_t d, uint64_t e, uint64_t f);
#define SYS(thread, name, ...) SYS_(thread, SW_SYS_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYS_(thread, number, a, b, c, d, e, f, ...)                                                \
    fake_call(thread, number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d),          \
              (uint64_t)(e), (uint64_t)(f))

/* Called at each release of the lock, by the CPU: how much was done in one hold of it. */
extern void (*fake_release_hook)(void);
/* Called between the slices of a long call: other threads have their turn. */
extern void (*fake_slice_hook)(void);

/* Number of a device interrupt that waits at the controller until CPU 0 looks; 0: none. */
extern uint32_t fake_interrupt;

/* User mode reads and writes memory, with faults. False: the process was ended by it. */
bool fake_store(struct thread *thread, vaddr_t to, const void *from, size_t length);
bool fake_load(struct thread *thread, void *to, vaddr_t from, size_t length);
bool fake_execute(struct thread *thread, vaddr_t address); /* an instruction fetch */

/* Starts the test program in a job; transfers may be NULL. Returns its thread; *out_process is the
 * caller's handle. */
struct thread *fake_spawn(struct thread *parent, handle_t job, const struct sw_transfer *transfers,
                          uint32_t transfer_count, uint32_t band, handle_t *out_process);
int64_t fake_spawn_status(struct thread *parent, handle_t job, const struct sw_transfer *transfers,
                          uint32_t transfer_count, uint32_t band);
extern void (*fake_program_hook)(struct sw_program *program,
                                 struct sw_spawn *spawn); /* changes what is spawned */

extern uint64_t fake_flushes, fake_shared_flushes, fake_kicks, fake_stale_uses;
/* Walks that came to a page that was filled, but without a barrier before its entry was written. Not
 * all of them: a barrier for another page that comes in between hides it. */
extern uint64_t fake_unordered_uses;
extern uint64_t fake_page_limit; /* free pages below this number are not given out; 0: none */
