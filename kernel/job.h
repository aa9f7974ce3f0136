/* Jobs: the tree of quotas, identity and control. The root job has no parent and no limits.
 * Usage is charged to a job and all its ancestors, so a parent's limit bounds the sum. */
#pragma once
#include "handle.h"
#include "heap.h"
#include "memory.h"

enum charge {
    CHARGE_MEMORY,
    CHARGE_HANDLES,
    CHARGE_THREADS,
    CHARGE_PROCESSES,
    CHARGE_CALLS,
    CHARGE_COUNT
};

struct kept {
    struct object *object; /* held */
    uint32_t rights;
};

/* Rights of a fresh job handle, and those only keeper's handle to the root job has besides. */
#define JOB_RIGHTS                                                                                 \
    (SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_INSPECT | SW_RIGHT_MANAGE | SW_RIGHT_BIND | \
     SW_RIGHT_SPAWN)
#define JOB_AUTHORITIES                                                                            \
    (SW_RIGHT_MINT_CODE | SW_RIGHT_LOGIN | SW_RIGHT_POWER | SW_RIGHT_SET_TIME |                    \
     SW_RIGHT_READ_LOG | SW_RIGHT_WRITE_LOG | SW_RIGHT_INSPECT_ALL | SW_RIGHT_EARLY_CONSOLE |      \
     SW_RIGHT_ENTROPY)
#define JOB_DEPTH 16 /* levels below the root: bounds every walk up the tree */

/* Long work that goes on in slices at kernel exits and while idle, one piece of work after the
 * other (process.c). The slice takes itself out of the queue (list_remove) when it is done. */
struct work {
    struct list link;
    void (*slice)(struct work *work);
};
void work_add(struct work *work, void (*slice)(struct work *work));

/* A competitor for CPU time in the normal band: a job with all below it, or a job's own threads. */
struct share {
    struct heap_node order; /* in group->runnable while it has ready threads */
    uint64_t vtime;         /* ns of CPU time times 100 / weight */
    struct job *group;      /* the job whose time it competes for; NULL: the root's share */
};

/* What is left of the lines for the kernel log (system.c). */
struct log_allowance {
    uint64_t ns;   /* when it was looked at last */
    uint32_t used; /* lines taken then */
};

struct job {
    struct object object;
    struct job *parent; /* referenced */
    uint32_t depth;
    struct list siblings, children; /* swept children stand last */
    struct list processes, ended;   /* struct process.job_link: LIVE ones, and the others */
    uint64_t used[CHARGE_COUNT], limit[CHARGE_COUNT];
    uint32_t weight, band;
    uint32_t principal, session;
    struct log_allowance log; /* of the session that begins here */
    uint64_t caps;
    bool stopped;
    bool killed;         /* by its own handle: see job_is_killed */
    bool swept;          /* killed, and nothing live or kept is left in it and below */
    bool leaving;        /* unreferenced: waits for the slice that destroys it */
    int32_t kill_status; /* of its processes */
    struct work sweep;
    bool used_once;    /* had a process: EXITED means something */
    uint32_t live;     /* processes, and big objects being destroyed, here and below */
    struct list paid;  /* struct object.payer_link */
    uint64_t pending;  /* SW_JOB_* level bits */
    uint64_t cpu_ns;   /* of its own processes, and of jobs below that are gone */
    struct kept *kept; /* SW_KEPT_SLOTS, allocated at first use */
    /* normal band (sched.c): the job has a share of its parent's time, and divides its own among
     * `runnable`, its own threads and the jobs directly below it */
    struct share share, own; /* both of the job's weight */
    struct heap runnable;
    uint64_t unbooked_ns; /* CPU time that `own` and the shares above do not have in their vtime */
    struct list ready;    /* its own ready threads */
    uint32_t ready_count;
};

extern struct job *job_root;

status_t job_charge(struct job *job, enum charge what,
                    uint64_t amount); /* QUOTA: nothing charged */
void job_uncharge(struct job *job, enum charge what, uint64_t amount);
/* A process (or a big object's destruction) begins or ends in the job: live counts up the tree,
 * EXITED when the last one went. */
void job_live_add(struct job *job);
void job_live_drop(struct job *job);
/* The root job's signal to rngd. */
void job_entropy_wanted(bool wanted);
/* And to logd. */
void job_log_wanted(bool wanted);
void job_crash_waits(bool waits);
/* Puts the job's kept handle of a slot away, for the slot's next use or the job's end. */
void job_kept_clear(struct job *job, uint32_t slot);
/* May a page (or object) be taken on this job's account now? Sessions and ordinary services may use
 * up what is free down to the reserve; servers and drivers, which they need to end whatever eats
 * memory, may go on. NULL: the kernel itself. */
static inline bool job_may_take(const struct job *payer)
{
    return page_free_count > page_reserve || !payer || payer->band > 0;
}
/* True if the job or one above it was killed: it takes no new process, child or kept handle. */
bool job_is_killed(const struct job *job);
/* True if job is `above` or lies below it. */
bool job_below(const struct job *job, const struct job *above);
void job_init(void); /* makes job_root */
