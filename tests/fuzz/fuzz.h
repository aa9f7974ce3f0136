/* System calls by grammar: four processes with live objects of every type, sharing channels,
 * memory, pipes and jobs, call the kernel at random and count what comes back.
 *
 *   syscall_fuzz SEED STEPS      prints "call NAME STATUS COUNT" for all that is documented
 *
 * Runs in a session, with what a session holds; or as the first process of a machine of its own
 * (in keeper's place of a boot bundle, arguments init.seed=N init.steps=N), where the workers
 * have all authorities and devices too, memory runs out, and the end is a leak check and power
 * off. There only empty virtio slots and the clock chip are shared: a driver of a real device can
 * write to any memory, which is known.
 *
 * The grammar (fuzz_grammar.inc) comes from runtime/abi. Most arguments are good: live handles of
 * the right type, addresses and sizes that fit; the rest are stale, foreign, misaligned, huge or
 * wild. Handles that come back go into a pool by type, where they replace and close older ones.
 * The first process starts the workers in jobs of their own, tightens and restores their quotas,
 * interrupts and sometimes kills them, and starts them again; when a worker asks for it, it takes
 * all free pages for a while; the counts lie in memory shared by all, so a worker's death loses
 * none. Given a seed, each worker's choices repeat; the order in which four CPUs interleave them
 * does not.
 *
 * Not called: what ends the machine or waits for ever. A call that ends its caller is counted
 * before it is made. A worker maps and unmaps only in its arena, else it would only test itself. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <swos/abi.h>

#include "fuzz_grammar.inc"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define WORKERS 4
#define POOL 12  /* live handles a type */
#define TYPES 12 /* object types, 0 unused */
#define TOKENS 8
#define SHARED 24 /* handles a worker gets from the first process */

/* Where a worker maps. */
#define ARENA (32ull << 30)
#define ARENA_PAGES 256u
#define SCRATCH_SIZE (64u * 1024)

/* The machine's free pages: a worker WANTS that there are none, the first process has TAKEN all of
 * them, until the worker gives them BACK or it has lasted long enough. */
enum pages { PAGES_FREE, PAGES_WANTED, PAGES_TAKEN, PAGES_BACK };

/* In memory shared by all processes of the fuzzer. */
struct counts {
    _Atomic uint32_t count[GRAMMAR_CALLS][GRAMMAR_ERRORS];
    _Atomic uint32_t deaths;
    _Atomic uint32_t steps; /* of all workers */
    _Atomic uint32_t pages; /* enum pages */
    /* Object numbers: a worker's own process tells its own, so that none is made to loop for ever. */
    _Atomic uint64_t workers[WORKERS];
};

struct result {
    status_t status;
    uint64_t out[4];
};

extern struct counts *counts;
/* The machine's authority: only the first process of a machine and its workers have it. */
extern handle_t authority;

/* Prints to descriptor 1, or where there is none to the serial line. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* ---- choose.c: random choices */

extern uint64_t random_state;
uint64_t next_random(void);
uint32_t below(uint32_t limit);
bool chance(uint32_t percent);
uint64_t pick(const uint64_t *values, uint32_t count);
#define PICK(...) pick((const uint64_t[]){ __VA_ARGS__ }, LENGTH(((uint64_t[]){ __VA_ARGS__ })))

/* ---- choose.c: calling the kernel; call_number counts what comes back */

struct result invoke(uint32_t number, const uint64_t arguments[8]);
struct result call_number(uint32_t number, const uint64_t arguments[8]);
/* The handle a call of two arguments made; 0: none. */
handle_t made(uint32_t number, uint64_t first, uint64_t second);
size_t call_index(uint32_t number);
void count_call(size_t call, status_t status);

/* ---- choose.c: what a worker has */

extern handle_t pool[TYPES][POOL];
extern handle_t kept[4]; /* never closed: the job and what programs are made of */
extern uint64_t tokens[TOKENS];
extern uint8_t *scratch; /* SCRATCH_SIZE bytes, nothing mapped behind them */
extern uint32_t futex_words[8];
extern struct sw_program tiny;
extern handle_t tiny_memory[4];
extern handle_t uart;               /* claimed in one sequence only: the result goes over it */
extern handle_t interrupt_event;    /* interrupts of the job set it */
extern handle_t private_connection; /* to the worker's second thread */
extern uint32_t own_pid;
extern uint64_t own_process, own_job, root_job; /* object numbers */

uint64_t object_number(handle_t handle);
bool is_kept(handle_t handle);
void close_one(handle_t handle);
void forget(handle_t handle);
/* Puts a handle into the pool of its type, where it replaces and closes an older one. */
void keep_handle(handle_t handle);
handle_t live_handle(uint32_t type);
handle_t choose_handle(uint32_t type, bool optional);

/* ---- choose.c: values */

extern void thread_body(void); /* a thread that ends at once and needs no stack */
uint64_t soon(void);
uint64_t arena_page(void);
uint64_t wild_address(void);
uint64_t choose_number(enum grammar_role role, enum grammar_kind kind);
void *room(size_t size); /* somewhere in scratch, 8-byte aligned */
void fill_struct(enum grammar_struct kind, void *place, size_t size);
void fill_spawn(struct sw_spawn *spawn);
uint64_t choose_address(const struct grammar_argument *argument);

/* ---- step.c */

/* Processes may be made to loop for ever. Not in short runs: where time is instructions and CPUs take
 * turns, one that loops has nearly all of them. */
extern bool loops;

void step(void);
/* An event of a port: tokens and handles that came with it are kept. */
void take_event(const struct sw_event *event);

/* ---- lives.c */

void call_life(void);
void event_life(void);
void job_life(void);
void long_waits(void);
void machine_life(void);
void memory_life(void);
void pipe_life(void);
void process_life(void);
void thread_life(void);
void find_handles(void);

/* ---- scarce.c */

/* Takes all the job may have of one thing; give_back closes it. */
enum scarce { HANDLES, CALL_OBJECTS, MEMORY, SCARCE };
void take_all(enum scarce kind);
void give_back(void);
void starved(void);
void pageless(void);

/* ---- worker.c: does not return; place: which of the WORKERS */

int worker(uint64_t seed, uint32_t steps, uint32_t place);
