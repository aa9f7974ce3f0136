/* Processes and threads. */
#pragma once
#include "arch.h"
#include "heap.h"
#include "ipc.h"
#include "job.h"
#include "memory.h"

enum process_state {
    PROCESS_LIVE,
    PROCESS_DYING /* threads leaving */,
    PROCESS_CLEANING /* handles, memory */,
    PROCESS_ENDED
};

struct process {
    struct object object;
    struct job *job;                /* referenced */
    struct list job_link, all_link; /* all processes by pid; job_link: see struct job */
    struct space *space;
    struct handle_table handles;
    struct list threads;
    uint32_t thread_count;
    uint32_t pid, parent_pid;
    enum process_state state;
    int32_t status;
    uint64_t caps;
    uint32_t band;
    struct event *interrupt_event; /* referenced */
    vaddr_t loop;                  /* the instruction before its entry: SW_DIVERT_LOOP */
    vaddr_t base;                  /* of its image, as its spawner says: for crash records */
    uint64_t identity;             /* of its program, likewise */
    struct trace *trace;           /* NULL: it is not traced */
    uint64_t start_ns, cpu_ns;
    struct log_allowance log;
    uint32_t log_dropped;    /* lines beyond it that nobody was told of yet */
    struct list served;      /* struct channel.server_link */
    struct channel *watched; /* of these the last one that was watched; NULL: none is */
    struct list claimed;     /* struct device.claim_link */
    struct work work;        /* threads to end, then clean-up */
    char name[32];
};

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_BLOCKED, THREAD_ENDED };

/* TRACED: it goes on acting, by a way of its own (trace.c). */
enum { LEAVES_NOT, LEAVES_DIVERTED, LEAVES_ENDING, LEAVES_TRACED };
/* STOPPED: by job_stop; not put into the ready structure. TRACED: the end of its wait is noted. */
enum { SPECIAL_STOPPED = 1, SPECIAL_TRACED = 2 };

struct thread {
    struct arch_frame frame; /* first: the entry code knows its place */
    struct object object;
    struct process *process; /* referenced */
    struct list process_link;
    struct list ready_link; /* sched.c */
    enum thread_state state;
    uint8_t special;  /* SPECIAL_*: looked at when it becomes ready */
    bool interrupted; /* an interrupt came while it was not blocked: ends its next wait */
    uint8_t leaves;   /* LEAVES_*: it does nothing more until its CPU's next kernel exit */
    bool restart;     /* the present system call is a repetition (kernel_syscall clears it after the
                         handler) */
    uint8_t band;     /* own */
    uint8_t lent;     /* highest band lent to it by calls; effective band is the higher one */
    uint8_t queued;   /* 1 + band of the ready structure it is in; 0: in none */
    int8_t cpu;       /* where it runs or ran last */
    uint32_t wait;    /* SW_WAIT_* */
    struct timer timer;    /* deadline while blocked */
    struct list wait_link; /* queue of what it waits for: futex bucket, pipe end */
    uint64_t futex_memory, futex_offset;
    struct port *wait_port;
    struct pipe *wait_pipe;
    uint64_t wait_pointer; /* user address of the struct sw_wait of its last wait at a port */
    struct {
        uint64_t buffer;
        uint32_t capacity, reserved;
    } wait_room; /* port: the head of its struct sw_wait: where request bytes go and how many fit */
    uint64_t wait_length, wait_done;
    vaddr_t divert;       /* LEAVES_DIVERTED: where to */
    struct call call;     /* its own call object */
    struct list handling; /* struct call.handler_link: received, being handled (not deferred) */
    struct list ports;    /* struct port.server_link: it waited there last */
    uint64_t cpu_ns;      /* threads that hand over to each other in one process share theirs */
    uint64_t busy_from;   /* cpu_ns when first seen busy since its last wait at a port; 0: not */
    struct arch_fp fp;
};

/* --- sched.c --- */
struct cpu {
    uintptr_t stack_top;    /* arch: loaded by vectors.S, which knows that it comes first */
    struct thread *current; /* NULL: idle */
    struct space *space;    /* active in TTBR0; may stay while idle */
    struct thread *next;    /* direct switch: tried first */
    uint32_t number;
    bool online, idle;
    bool resched; /* the next kernel exit takes the long way: set by kernel_interrupt, wakes, pokes
                   */
    bool yielded;
    uint64_t slice_end, busy_ns, idle_ns, stamp, switches, syscalls;
    uint64_t programmed; /* what arch_timer_set was last given */
};
extern struct cpu cpus[CPU_MAX];
/* struct cpu *cpu_this(void): arch_inline.h. */
void cpu_arrived(struct cpu *cpu); /* main.c: it runs, has the lock, and schedules next */

/* The part of thread_block that is rarely needed: a pending interrupt, a deadline, whose timer it
 * sets. */
status_t thread_may_block(struct thread *thread, uint64_t deadline);
/* Blocks the calling thread: state, wait kind, deadline (SW_NEVER: none). Deadline already passed:
 * returns TIMED_OUT and does not block; a pending interrupt: INTERRUPTED. Otherwise
 * SYSCALL_BLOCKED. */
static inline status_t thread_block(struct thread *thread, uint32_t wait, uint64_t deadline)
{
    if (thread->interrupted || deadline != SW_NEVER) {
        status_t status = thread_may_block(thread, deadline);
        if (status != SW_OK)
            return status;
    }
    thread->state = THREAD_BLOCKED;
    thread->wait = wait;
    return SYSCALL_BLOCKED;
}
/* Ends a wait: takes the thread off its queue and timer, x0 = status, makes it ready.
 * Writers of x1.. do so before. */
void thread_wake(struct thread *thread, status_t status);
/* Ends a wait by making the system call again from the unchanged registers: takes the thread off
 * its timer (the caller took it off its queue), sets pc back to the svc and thread->restart. */
void thread_wake_restart(struct thread *thread);
/* As thread_wake, but the thread runs next on this CPU if the present one gives up (direct switch).
 */
void thread_wake_direct(struct thread *thread, status_t status);
/* Recomputes the effective band after lending changed. */
void thread_band_changed(struct thread *thread);
void sched_init(void);
/* What each kernel exit does: expire timers, clean-up slice, choose, switch space and FP state, set
 * the timer, kick an idle CPU if work is left. Returns the thread to run, waiting in idle if none.
 * Called and returns with the lock held; idling lets go of it. */
struct thread *sched_exit(void);
/* True if there is nothing of this to do: the present thread goes on. Takes the place of
 * sched_exit then. */
static inline bool sched_stays(void)
{
    const struct cpu *cpu = cpu_this();
    bool stays =
        list_empty(&object_hooks) && cpu->current->state == THREAD_RUNNING && !cpu->resched;
    if (stays)
        object_hooks_held = false;
    return stays;
}

/* For process.c and thread.c: makes a thread that is in no queue ready; takes a ready one out. */
void sched_ready(struct thread *thread);
void sched_unready(struct thread *thread);
/* Makes the CPU that runs the thread enter the kernel and take the long way out. */
void sched_poke(struct thread *thread);
/* Books the time since the CPU's stamp to what runs on it. */
void sched_account(struct cpu *cpu, uint64_t now);
/* What the CPUs have done since they last looked at the clock is counted too, before somebody reads:
 * a thread that has a CPU to itself may go on for ever without a switch. */
void sched_account_all(void);
/* Books a job's time in the normal band to its place in the run order and to the jobs above. */
void sched_book(struct job *job);

/* --- thread.c --- */
/* A thread of the process, not started: charged, linked, registers zero. Its creator fills the
 * frame and calls sched_ready, or thread_finish to undo. NO_MEMORY, QUOTA. */
status_t thread_create(struct process *process, struct thread **out_thread);
/* Ends a thread in any state: at once, or when its CPU leaves it. */
void thread_end(struct thread *thread);
/* Takes a thread that no CPU runs out of everything and drops it; the last one ends its process. */
void thread_finish(struct thread *thread);
/* Makes a thread that is not ending go on at another address: at once, or when its CPU leaves it.
 */
void thread_divert(struct thread *thread, vaddr_t pc);
/* Ends a blocked thread's wait early with TIMED_OUT or INTERRUPTED (a call a server has:
 * UNKNOWN_OUTCOME). */
void thread_unblock(struct thread *thread, status_t status);

/* --- process.c --- */
/* The last thread is gone: hands the process to the clean-up queue. */
void process_threads_gone(struct process *process);
/* Queue of work: true while a slice can be done now; does one bounded slice. */
extern struct list process_work_queue;
static inline bool process_work_pending(void)
{
    return !list_empty(&process_work_queue);
}
void process_work(void);
/* A dying space was unloaded by the last CPU: its clean-up can go on. */
void process_space_unloaded(void);
void process_info_fill(const struct process *process, struct sw_process_info *out_info);
extern struct list process_all; /* struct process.all_link, by pid */
/* From any context; returns at once. Threads beyond a slice end a little later, or as they enter
 * the kernel. */
void process_end(struct process *process, int32_t status);
/* Sets the interrupt event's bit and ends the blocked calls of its threads with INTERRUPTED (calls
 * a server has: UNKNOWN_OUTCOME); without an event the process ends with 130, 143 or 129. */
void process_interrupt(struct process *process, uint32_t kind);
/* The kernel's form of struct sw_spawn, shared by process_create and the start of keeper. */
struct process_image {
    const struct sw_program *program;  /* kernel copy; not yet checked */
    struct memory *memory[4];          /* what the segments name; NULL: none */
    uint32_t memory_rights[4];         /* EXECUTE is needed for executable segments */
    struct memory *start;              /* filled start block, mapped read-only at its whole size */
    const struct sent_handle *handles; /* held; number i becomes SW_START_HANDLE(i) */
    uint32_t handle_count;
    uint32_t band, parent_pid;
    uint64_t caps;
    const char *name;
};
/* Makes a process in the job and starts its first thread. On success the process owns the holds of
 * `handles`; on failure nothing has changed and the caller still owns them. The process keeps its
 * own references on the memory objects. *out_process is referenced for the caller. */
status_t process_create_image(struct job *job, const struct process_image *image,
                              struct process **out_process);
/* Makes the first process from the bundle (process_keeper.c). */
void process_start_keeper(void);
struct process *process_by_pid(uint32_t pid);

/* --- system.c --- */
/* Says in the log how many lines of the process were dropped, if any. */
void process_log_settle(struct process *process);
/* Asks for the log to be gathered when it is time. Where signals may be given. */
void log_ask(void);
extern uint64_t log_dropped_total;

/* --- futex.c --- */
void futex_thread_gone(struct thread *thread);
void futex_wake_word(struct space *space, vaddr_t word, uint32_t count);
