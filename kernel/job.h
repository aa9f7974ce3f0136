/* Jobs: the tree of quotas, identity and control. The root job has no parent and no limits.
 * Usage is charged to a job and all its ancestors, so a parent's limit bounds the sum. */
#pragma once
#include "handle.h"
#include "heap.h"

enum charge { CHARGE_MEMORY, CHARGE_HANDLES, CHARGE_THREADS, CHARGE_PROCESSES, CHARGE_CALLS, CHARGE_COUNT };

struct kept {
    struct object *object; /* held */
    uint32_t rights;
};

struct job {
    struct object object;
    struct job *parent; /* referenced */
    struct list siblings, children;
    struct list processes; /* struct process.job_link */
    uint64_t used[CHARGE_COUNT], limit[CHARGE_COUNT];
    uint32_t weight, band;
    uint32_t principal, session;
    uint64_t caps;
    bool stopped, killed;
    uint32_t live; /* processes here and below not yet gone */
    uint64_t pending; /* SW_JOB_* level bits */
    uint64_t cpu_ns;
    struct kept *kept; /* SW_KEPT_SLOTS, allocated at first use */
    /* normal band: ready threads and the job's place in the run order (sched.c) */
    struct list ready;
    uint32_t ready_count;
    struct heap_node order;
    uint64_t vtime;
};

extern struct job *job_root;

status_t job_charge(struct job *job, enum charge what, uint64_t amount); /* QUOTA: nothing charged */
void job_uncharge(struct job *job, enum charge what, uint64_t amount);
/* True if job is `above` or lies below it. */
bool job_below(const struct job *job, const struct job *above);
void job_init(void); /* makes job_root */
