/* Jobs: quotas, identity, kept handles, and control over a tree of processes.
 *
 * A charge counts in the job and every ancestor or nowhere. A job's memory (the object) lives while
 * something references it: handles, child jobs, processes. What it paid for may outlive it: those
 * objects then belong to the parent, whose usage has included them all along. The tree is at most
 * JOB_DEPTH deep, so walks up are short and walks down may recurse.
 *
 * Kill: from its first step on a killed job and all below take no new process, child or kept
 * handle. What is there is swept in slices, the first at once: processes end from the top down,
 * kept handles go from the bottom up, and a job that is through stands behind those that are not,
 * so that a slice finds its place in a few steps. Big lock. */
#include "log.h"
#include "syscall_handlers.h"

#define WEIGHT_DEFAULT 100
#define WEIGHT_LIMIT 10000
#define SLICE_SWEEP 32 /* threads and jobs of a killed tree dealt with in one go */
#define KEPT_COST 8    /* of a job with kept slots, in those without */

struct job *job_root;

static struct slab kept_slab = { .name = "kept", .size = sizeof(struct kept[SW_KEPT_SLOTS]) };
static uint32_t session_last;

/* --- charges --------------------------------------------------------------------------------- */

status_t job_charge(struct job *job, enum charge what, uint64_t amount)
{
    for (struct job *at = job; at; at = at->parent) {
        if (amount > at->limit[what] || at->used[what] > at->limit[what] - amount) {
            for (struct job *undo = job; undo != at; undo = undo->parent)
                undo->used[what] -= amount;
            return SW_QUOTA;
        }
        at->used[what] += amount;
    }
    return SW_OK;
}

void job_uncharge(struct job *job, enum charge what, uint64_t amount)
{
    for (struct job *at = job; at; at = at->parent) {
        ASSERT(at->used[what] >= amount);
        at->used[what] -= amount;
    }
}

bool job_is_killed(const struct job *job)
{
    while (job && !job->killed)
        job = job->parent;
    return job != NULL;
}

bool job_below(const struct job *job, const struct job *above)
{
    while (job && job != above)
        job = job->parent;
    return job != NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static void job_setup(struct job *job)
{
    list_init(&job->siblings);
    list_init(&job->children);
    list_init(&job->processes);
    list_init(&job->ended);
    list_init(&job->sweep.link);
    list_init(&job->paid);
    list_init(&job->ready);
    job->own.group = job;
}

void job_init(void)
{
    status_t status = object_create(SW_TYPE_JOB, NULL, (void **)&job_root);
    ASSERT(status == SW_OK);
    job_setup(job_root);
    for (uint32_t what = 0; what < CHARGE_COUNT; what++)
        job_root->limit[what] = UINT64_MAX;
    job_root->weight = WEIGHT_DEFAULT;
    job_root->band = 3;
    job_root->caps = SW_CAP_ALL;
}

static status_t limits_check(const struct sw_limits *limits)
{
    return limits->weight > WEIGHT_LIMIT || limits->band > 3 ? SW_INVALID : SW_OK;
}

static status_t job_create(struct job *parent, const struct sw_limits *limits, struct job **out_job)
{
    status_t status = limits_check(limits);
    if (status != SW_OK)
        return status;
    if (job_is_killed(parent))
        return SW_BAD_STATE;
    if (parent->depth == JOB_DEPTH)
        return SW_QUOTA;
    struct job *job;
    status = object_create(SW_TYPE_JOB, parent, (void **)&job);
    if (status != SW_OK)
        return status;
    job_setup(job);
    job->parent = parent;
    job->share.group = parent;
    object_get(&parent->object);
    list_add_head(&parent->children, &job->siblings);
    job->depth = parent->depth + 1;
    job->limit[CHARGE_MEMORY] = limits->memory ? limits->memory : parent->limit[CHARGE_MEMORY];
    job->limit[CHARGE_HANDLES] = limits->handles ? limits->handles : parent->limit[CHARGE_HANDLES];
    job->limit[CHARGE_THREADS] = limits->threads ? limits->threads : parent->limit[CHARGE_THREADS];
    job->limit[CHARGE_PROCESSES] =
        limits->processes ? limits->processes : parent->limit[CHARGE_PROCESSES];
    job->limit[CHARGE_CALLS] = limits->calls ? limits->calls : parent->limit[CHARGE_CALLS];
    job->weight = limits->weight ? limits->weight : parent->weight;
    job->band = limits->band < parent->band ? limits->band : parent->band;
    job->principal = parent->principal;
    job->session = parent->session;
    job->caps = parent->caps;
    job->stopped = parent->stopped;
    *out_job = job;
    return SW_OK;
}

void job_kept_clear(struct job *job, uint32_t slot)
{
    if (!job->kept || !job->kept[slot].object)
        return;
    struct object *object = job->kept[slot].object;
    job->kept[slot].object = NULL;
    job_uncharge(job, CHARGE_HANDLES, 1);
    object_unhold(object);
}

static void job_kept_free(struct job *job)
{
    if (!job->kept)
        return;
    for (uint32_t slot = 0; slot < SW_KEPT_SLOTS; slot++)
        job_kept_clear(job, slot);
    slab_free(&kept_slab, job->kept);
    job->kept = NULL;
    job_uncharge(job, CHARGE_MEMORY, slab_slot_size(&kept_slab));
}

/* What kept slots hold may go with them, jobs with kept slots of their own too: each such job has a
 * slice for itself. */
static bool job_destroy_some(struct object *object)
{
    struct job *job = CONTAINER(object, struct job, object);
    bool turn = job->leaving;
    job->leaving = true;
    return turn || !job->kept;
}

static void job_destroy(struct object *object)
{
    struct job *job = CONTAINER(object, struct job, object);
    ASSERT(list_empty(&job->children) && list_empty(&job->processes) && list_empty(&job->ended) &&
           list_empty(&job->ready));
    job_kept_free(job);
    while (!list_empty(&job->paid)) {
        struct object *paid = list_first(&job->paid, struct object, payer_link);
        list_remove(&paid->payer_link);
        paid->payer = job->parent;
        list_add_tail(&job->parent->paid, &paid->payer_link);
    }
    sched_book(job);
    job->parent->cpu_ns += job->cpu_ns;
    list_remove(&job->siblings);
    object_put(&job->parent->object);
}

static uint64_t job_level(struct object *object)
{
    return CONTAINER(object, struct job, object)->pending;
}

const struct object_class class_job = {
    .name = "job",
    .size = sizeof(struct job),
    .destroy_some = job_destroy_some,
    .destroy = job_destroy,
    .level = job_level,
    .all_rights = JOB_RIGHTS,
};

/* --- what lives in it ------------------------------------------------------------------------ */

static void job_pending_set(struct job *job, uint64_t clear, uint64_t set)
{
    uint64_t pending = (job->pending & ~clear) | set;
    if (pending == job->pending)
        return;
    job->pending = pending;
    object_signal(&job->object);
}

void job_entropy_wanted(bool wanted)
{
    job_pending_set(job_root, SW_JOB_ENTROPY, wanted ? SW_JOB_ENTROPY : 0);
}

void job_log_wanted(bool wanted)
{
    job_pending_set(job_root, SW_JOB_LOG, wanted ? SW_JOB_LOG : 0);
}

void job_crash_waits(bool waits)
{
    job_pending_set(job_root, SW_JOB_CRASHED, waits ? SW_JOB_CRASHED : 0);
}

static void job_exited_update(struct job *job)
{
    if (job->live)
        job_pending_set(job, SW_JOB_EXITED, 0);
    else if (job_is_killed(job) ? job->swept : job->used_once)
        job_pending_set(job, 0, SW_JOB_EXITED);
}

void job_live_add(struct job *job)
{
    for (struct job *at = job; at; at = at->parent) {
        at->live++;
        at->used_once = true;
        job_exited_update(at);
    }
}

void job_live_drop(struct job *job)
{
    for (struct job *at = job; at; at = at->parent) {
        ASSERT(at->live > 0);
        at->live--;
        job_exited_update(at);
    }
}

/* Walks the children while anything may happen to them: the one at hand is referenced. NULL:
 * starts. */
static struct job *child_next(struct job *job, struct job *child)
{
    struct list *at = child ? child->siblings.next : job->children.next;
    struct job *next = at == &job->children ? NULL : CONTAINER(at, struct job, siblings);
    if (next)
        object_get(&next->object);
    if (child)
        object_put(&child->object);
    return next;
}

/* Calls the function for every live process of the job itself: how many. It may end the one it is
 * called for. */
static uint32_t job_each_own(struct job *job,
                             void (*act)(struct process *process, int32_t argument),
                             int32_t argument)
{
    uint32_t count = 0;
    list_for_each_safe (at, after, &job->processes) {
        act(CONTAINER(at, struct process, job_link), argument);
        count++;
    }
    return count;
}

/* And of those below it, too. */
static uint32_t job_each_process(struct job *job,
                                 void (*act)(struct process *process, int32_t argument),
                                 int32_t argument)
{
    uint32_t count = job_each_own(job, act, argument);
    for (struct job *child = child_next(job, NULL); child; child = child_next(job, child))
        count += job_each_process(child, act, argument);
    return count;
}

/* The place of a sweep in the tree: the highest job on the way down that has live processes, or the
 * first that has nothing unswept below it. */
static struct job *sweep_place(struct job *job)
{
    while (list_empty(&job->processes) && !list_empty(&job->children)) {
        struct job *child = list_first(&job->children, struct job, siblings);
        if (child->swept)
            break;
        job = child;
    }
    return job;
}

/* Does a slice of a killed job's sweep; true: it is swept. */
static bool sweep_some(struct job *job)
{
    for (uint32_t cost, done = 0; !job->swept; done += cost) {
        if (done >= SLICE_SWEEP)
            return false;
        struct job *at = sweep_place(job);
        if (!list_empty(&at->processes)) {
            struct process *process = list_first(&at->processes, struct process, job_link);
            cost = process->thread_count;
            process_end(process, job->kill_status);
            continue;
        }
        cost = at->kept ? KEPT_COST : 1;
        at->swept = true;
        if (at->parent) {
            list_remove(&at->siblings);
            list_add_tail(&at->parent->children, &at->siblings);
        }
        object_get(&at->object); /* a kept slot may hold it */
        job_kept_free(at);
        object_hooks_run(); /* as in process_clean: what is big counts as live from here on */
        job_exited_update(at);
        object_put(&at->object);
    }
    return true;
}

/* A sweep under way counts as live in the job and above, as a process does: their EXITED comes after
 * what the kept slots held is given back, too. */
static void sweep_count(struct job *job, bool begins)
{
    if (!begins) {
        job_live_drop(job);
        return;
    }
    for (struct job *at = job; at; at = at->parent) {
        at->live++;
        job_exited_update(at);
    }
}

static void job_sweep(struct work *work)
{
    struct job *job = CONTAINER(work, struct job, sweep);
    if (!sweep_some(job))
        return;
    list_remove(&work->link);
    sweep_count(job, false);
    object_put(&job->object);
}

static void process_stop(struct process *process, int32_t argument)
{
    (void)argument;
    list_for_each (at, &process->threads) {
        struct thread *thread = CONTAINER(at, struct thread, process_link);
        if (thread->special & SPECIAL_STOPPED)
            continue;
        thread->special |= SPECIAL_STOPPED;
        if (thread->state == THREAD_READY)
            sched_unready(thread);
        else if (thread->state == THREAD_RUNNING)
            sched_poke(thread);
    }
}

static void process_continue(struct process *process, int32_t argument)
{
    (void)argument;
    list_for_each (at, &process->threads) {
        struct thread *thread = CONTAINER(at, struct thread, process_link);
        if (!(thread->special & SPECIAL_STOPPED))
            continue;
        thread->special &= (uint8_t)~SPECIAL_STOPPED;
        if (thread->state == THREAD_READY)
            sched_ready(thread);
    }
}

static void job_mark_stopped(struct job *job, bool stopped)
{
    if (job->stopped != stopped) {
        job->stopped = stopped;
        job_pending_set(job, SW_JOB_STOPPED | SW_JOB_CONTINUED,
                        stopped ? SW_JOB_STOPPED : SW_JOB_CONTINUED);
    }
    list_for_each (at, &job->children)
        job_mark_stopped(CONTAINER(at, struct job, siblings), stopped);
}

/* --- system calls ---------------------------------------------------------------------------- */

/* Gives the caller a handle to a new job and drops the creator's reference. */
static status_t job_give(struct thread *thread, struct job *job, uint64_t *out_job)
{
    handle_t handle = 0;
    status_t status = handle_install(thread->process, &job->object, JOB_RIGHTS, &handle);
    *out_job = handle;
    object_put(&job->object);
    return status;
}

status_t sys_job_create(struct thread *thread, struct job *parent, vaddr_t user, uint64_t *out_job)
{
    struct sw_limits limits;
    status_t status = copy_from_user(&limits, user, sizeof(limits));
    if (status != SW_OK)
        return status;
    struct job *job;
    status = job_create(parent, &limits, &job);
    return status == SW_OK ? job_give(thread, job, out_job) : status;
}

status_t sys_job_create_session(struct thread *thread, struct job *authority, struct job *parent,
                                vaddr_t user, uint64_t *out_job, uint64_t *out_session_number)
{
    (void)authority; /* its LOGIN right was checked */
    struct sw_session session;
    status_t status = copy_from_user(&session, user, sizeof(session));
    if (status != SW_OK)
        return status;
    if (session.caps & ~SW_CAP_ALL)
        return SW_INVALID;
    struct job *job;
    status = job_create(parent, &session.limits, &job);
    if (status != SW_OK)
        return status;
    job->principal = session.principal;
    job->session = session.session ? session.session : session_last + 1;
    job->caps = session.caps;
    uint32_t number = job->session;
    status = job_give(thread, job, out_job);
    if (status != SW_OK)
        return status;
    if (number > session_last)
        session_last = number;
    *out_session_number = number;
    return SW_OK;
}

/* True if the limits give the job more of anything than it may have now. */
static bool limits_raise(const struct job *job, const struct sw_limits *limits)
{
    return limits->memory > job->limit[CHARGE_MEMORY] ||
           limits->handles > job->limit[CHARGE_HANDLES] ||
           limits->threads > job->limit[CHARGE_THREADS] ||
           limits->processes > job->limit[CHARGE_PROCESSES] ||
           limits->calls > job->limit[CHARGE_CALLS] || limits->weight > job->weight ||
           limits->band > job->band;
}

/* A process needs the MANAGE right on its own job to make jobs below it; that is not to lift its
 * own limits. Raising them is for who lives outside. */
status_t sys_job_limit(struct thread *thread, struct job *job, vaddr_t user)
{
    struct sw_limits limits;
    status_t status = copy_from_user(&limits, user, sizeof(limits));
    if (status == SW_OK)
        status = limits_check(&limits);
    if (status != SW_OK)
        return status;
    if (limits_raise(job, &limits) && job_below(thread->process->job, job))
        return SW_ACCESS;
    if (limits.memory)
        job->limit[CHARGE_MEMORY] = limits.memory;
    if (limits.handles)
        job->limit[CHARGE_HANDLES] = limits.handles;
    if (limits.threads)
        job->limit[CHARGE_THREADS] = limits.threads;
    if (limits.processes)
        job->limit[CHARGE_PROCESSES] = limits.processes;
    if (limits.calls)
        job->limit[CHARGE_CALLS] = limits.calls;
    if (limits.weight)
        job->weight = limits.weight;
    if (limits.band) /* for processes made from now on */
        job->band =
            job->parent && limits.band > job->parent->band ? job->parent->band : limits.band;
    return SW_OK;
}

status_t sys_job_kill(struct thread *thread, struct job *job, int32_t status)
{
    (void)thread;
    if (job->killed)
        return SW_OK;
    job->killed = true;
    job->kill_status = status;
    object_get(&job->object); /* a kept slot may hold it */
    if (sweep_some(job)) {
        object_put(&job->object);
    } else { /* which keeps the reference */
        sweep_count(job, true);
        work_add(&job->sweep, job_sweep);
    }
    return SW_OK;
}

status_t sys_job_stop(struct thread *thread, struct job *job)
{
    (void)thread;
    job_mark_stopped(job, true);
    job_each_process(job, process_stop, 0);
    return SW_OK;
}

status_t sys_job_continue(struct thread *thread, struct job *job)
{
    (void)thread;
    job_mark_stopped(job, false);
    job_each_process(job, process_continue, 0);
    return SW_OK;
}

static void process_interrupt_kind(struct process *process, int32_t kind)
{
    process_interrupt(process, (uint32_t)kind);
}

status_t sys_job_interrupt(struct thread *thread, struct job *job, uint32_t kind,
                           uint64_t *out_reached)
{
    (void)thread;
    bool directly = kind & SW_INTERRUPT_DIRECTLY;
    kind &= ~(uint32_t)SW_INTERRUPT_DIRECTLY;
    if (kind != SW_INTERRUPT_INT && kind != SW_INTERRUPT_TERM && kind != SW_INTERRUPT_HUP)
        return SW_INVALID;
    *out_reached = directly ? job_each_own(job, process_interrupt_kind, (int32_t)kind)
                            : job_each_process(job, process_interrupt_kind, (int32_t)kind);
    return SW_OK;
}

/* A limit as the ABI shows it: 32 bits, the largest number means none. */
static uint32_t limit_shown(uint64_t limit)
{
    return limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

/* CPU time of the job and all below: summed when asked for, so that a thread switch books one job.
 */
static uint64_t job_cpu(const struct job *job)
{
    uint64_t sum = job->cpu_ns;
    list_for_each (at, &job->children)
        sum += job_cpu(CONTAINER(at, struct job, siblings));
    return sum;
}

status_t sys_job_info(struct thread *thread, struct job *job, vaddr_t user)
{
    (void)thread;
    sched_account_all();
    struct sw_job_info info = {
        .id = job->object.id,
        .memory_used = job->used[CHARGE_MEMORY],
        .cpu_ns = job_cpu(job),
        .handles = (uint32_t)job->used[CHARGE_HANDLES],
        .threads = (uint32_t)job->used[CHARGE_THREADS],
        .processes = (uint32_t)job->used[CHARGE_PROCESSES],
        .calls = (uint32_t)job->used[CHARGE_CALLS],
        .principal = job->principal,
        .session = job->session,
        .caps = job->caps,
        .limits = {
            .memory = job->limit[CHARGE_MEMORY],
            .handles = limit_shown(job->limit[CHARGE_HANDLES]),
            .threads = limit_shown(job->limit[CHARGE_THREADS]),
            .processes = limit_shown(job->limit[CHARGE_PROCESSES]),
            .calls = limit_shown(job->limit[CHARGE_CALLS]),
            .weight = job->weight,
            .band = job->band,
        },
    };
    return copy_to_user(user, &info, sizeof(info));
}

status_t sys_job_keep(struct thread *thread, struct job *job, uint32_t slot,
                      struct handle_entry *handle)
{
    (void)thread;
    if (slot >= SW_KEPT_SLOTS)
        return SW_INVALID;
    if (!handle) {
        job_kept_clear(job, slot);
        return SW_OK;
    }
    if (~handle->rights &
        (SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER)) /* another process may take it out */
        return SW_ACCESS;
    if (job_is_killed(job))
        return SW_BAD_STATE;
    bool fresh = !job->kept || !job->kept[slot].object;
    if (fresh) {
        status_t status = job_charge(job, CHARGE_HANDLES, 1);
        if (status != SW_OK)
            return status;
    }
    if (!job->kept) {
        status_t status = job_charge(job, CHARGE_MEMORY, slab_slot_size(&kept_slab));
        if (status == SW_OK) {
            job->kept = slab_allocate(&kept_slab, job);
            if (!job->kept) {
                job_uncharge(job, CHARGE_MEMORY, slab_slot_size(&kept_slab));
                status = SW_NO_MEMORY;
            }
        }
        if (status != SW_OK) {
            job_uncharge(job, CHARGE_HANDLES, 1);
            return status;
        }
    }
    struct object *before = job->kept[slot].object;
    object_hold(handle->object);
    job->kept[slot] = (struct kept){ handle->object, handle->rights };
    if (before)
        object_unhold(before);
    return SW_OK;
}

status_t sys_job_kept(struct thread *thread, struct job *job, uint32_t slot, uint64_t *out_handle)
{
    if (slot >= SW_KEPT_SLOTS)
        return SW_INVALID;
    if (!job->kept || !job->kept[slot].object)
        return SW_NOT_FOUND;
    handle_t handle = 0;
    status_t status =
        handle_install(thread->process, job->kept[slot].object, job->kept[slot].rights, &handle);
    *out_handle = handle;
    return status;
}

status_t sys_job_find(struct thread *thread, struct job *job, uint32_t pid, uint64_t *out_process)
{
    struct process *process = process_by_pid(pid);
    if (!process || !job_below(process->job, job))
        return SW_NOT_FOUND;
    handle_t handle = 0;
    status_t status =
        handle_install(thread->process, &process->object, class_process.all_rights, &handle);
    *out_process = handle;
    return status;
}

status_t sys_job_list(struct thread *thread, struct job *job, uint32_t first, vaddr_t infos,
                      uint32_t count, uint64_t *out_filled)
{
    (void)thread;
    uint32_t filled = 0;
    if (count > SW_JOB_LIST_MAX)
        return SW_INVALID;
    sched_account_all();
    list_for_each (at, &process_all) {
        if (filled == count)
            break;
        struct process *process = CONTAINER(at, struct process, all_link);
        if (process->pid < first || !job_below(process->job, job))
            continue;
        struct sw_process_info info;
        process_info_fill(process, &info);
        status_t status =
            copy_to_user(infos + (uint64_t)filled * sizeof(info), &info, sizeof(info));
        if (status != SW_OK)
            return status;
        filled++;
    }
    *out_filled = filled;
    return SW_OK;
}
