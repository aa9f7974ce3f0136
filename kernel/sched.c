/* The scheduler: one ready structure under the big lock.
 *
 * Bands 1 to 3 are queues. Band 0 is a tree that follows the jobs: each job divides its time among
 * its own threads and the jobs below it, by weighted CPU time (vtime), in a heap of those that have
 * ready threads. So no job gets more by making jobs or threads. What was away comes back at the
 * vtime of those that compete now: neither sleeping nor having had the machine alone counts. A
 * thread is in the ready structure exactly while READY, not stopped and not some cpu->next. RUNNING
 * threads are cpu->current of one CPU; a BLOCKED or ENDED one may still be current of the CPU that
 * is in the kernel for it, until that CPU's exit has saved its FP state under the same hold of the
 * lock: other CPUs never see a half-saved thread.
 *
 * Timers: each CPU's hardware timer is programmed for its own slice end, when somebody waits for
 * the slice, and on one CPU, `timer_owner`, also for the earliest deadline of all. Programming
 * earlier than needed is harmless, so a cancelled deadline costs nothing; a fired timer is set
 * anew.
 *
 * An idle CPU keeps its last space loaded (bit in space->loaded, not in ->running): waking up for
 * the same program then changes no address space. A dying space is unloaded first thing. */
#include "syscall_handlers.h"
#include "trace.h"

#define SLICE 10000000ull      /* ns a thread runs when others of its band wait */
#define SLICE_WORK 1000000ull  /* ns until clean-up work gets its next turn on a busy CPU */
#define GRANULARITY 1000000ull /* weighted ns a waking job must be behind to interrupt another */
#define DEBT (CPU_MAX * SLICE) /* ns of CPU time that are remembered for and against a share */

struct cpu cpus[CPU_MAX];

static struct list ready_queues[4]; /* 1 to 3 used */
static uint32_t ready_bands;        /* bit b: band b has ready threads */
static uint32_t ready_total;
static uint32_t cpu_limit;              /* CPUs below it have come here */
static uint32_t idle_mask, kicked_mask; /* kicked: idle, told to wake, not seen yet */
static int timer_owner = -1;
static uint64_t timer_armed = SW_NEVER;

static uint32_t band_of(const struct thread *thread)
{
    return thread->band > thread->lent ? thread->band : thread->lent;
}

void sched_init(void)
{
    for (uint32_t band = 0; band < ARRAY_COUNT(ready_queues); band++)
        list_init(&ready_queues[band]);
    for (uint32_t i = 0; i < CPU_MAX; i++) {
        cpus[i].number = i;
        cpus[i].programmed = SW_NEVER;
    }
}

/* --- shares of the normal band --------------------------------------------------------------- */

static inline uint64_t weighted(const struct job *job, uint64_t ns)
{
    return job->weight == 100 ? ns : ns * 100 / job->weight;
}

void sched_book(struct job *job)
{
    uint64_t spent = job->unbooked_ns;
    if (!spent)
        return;
    job->unbooked_ns = 0;
    if (spent > DEBT) /* that long there was nobody to make room for */
        spent = DEBT;
    job->own.vtime += weighted(job, spent);
    for (; job->parent; job = job->parent)
        job->share.vtime += weighted(job, spent);
}

/* A share that has run since it was queued stands too far in front until it comes up here. */
static struct share *share_first(struct job *group)
{
    for (;;) {
        struct share *share = CONTAINER(heap_first(&group->runnable), struct share, order);
        if (!share->order.child) /* alone: nothing to sort */
            share->order.key = share->vtime;
        if (share->order.key == share->vtime)
            return share;
        heap_remove(&group->runnable, &share->order);
        heap_insert(&group->runnable, &share->order, share->vtime);
    }
}

/* What runs on the CPU in the normal band, as one of the group's shares. NULL: nothing of it. */
static struct share *share_running(struct cpu *cpu, const struct job *group)
{
    if (!cpu->current || band_of(cpu->current))
        return NULL;
    struct share *share = &cpu->current->process->job->own;
    while (share->group && share->group->depth > group->depth)
        share = &share->group->share;
    return share->group == group ? share : NULL;
}

static const struct job *share_job(const struct share *share)
{
    return share == &share->group->own ? share->group : CONTAINER(share, struct job, share);
}

/* Sets the vtime of a share that gets ready threads again by the one that will be chosen next. One
 * that is not there for want of waiting threads, as all of its threads run, keeps its claim to be
 * chosen before that one, and one that went ahead keeps its debt, each as large as competition
 * makes them (a slice on every CPU). More than that comes from having had no competitor, or no
 * threads to use its part with. When nobody waits it is set by what runs. */
static void share_rejoin(struct share *share)
{
    struct job *group = share->group;
    struct share *first = heap_first(&group->runnable) ? share_first(group) : NULL;
    bool waiting = first, runs = false;
    for (uint32_t i = 0; i < cpu_limit; i++) {
        struct share *running = share_running(&cpus[i], group);
        if (!running)
            continue;
        if (!waiting) {
            sched_account(&cpus[i], arch_now());
            sched_book(cpus[i].current->process->job);
        }
        if (running == share)
            runs = true;
        else if (!waiting && (!first || running->vtime > first->vtime))
            first = running;
    }
    if (!first)
        return;
    uint64_t claim = runs ? weighted(share_job(first), DEBT) : 0;
    uint64_t debt = weighted(share_job(share), DEBT);
    if (share->vtime + claim < first->vtime)
        share->vtime = first->vtime - claim;
    else if (share->vtime > first->vtime + debt)
        share->vtime = first->vtime + debt;
}

static void share_enter(struct share *share)
{
    bool first = true;
    for (struct job *group; first && (group = share->group); share = &group->share) {
        first = !heap_first(&group->runnable);
        share_rejoin(share);
        heap_insert(&group->runnable, &share->order, share->vtime);
    }
}

static void share_leave(struct share *share)
{
    bool last = true;
    for (struct job *group; last && (group = share->group); share = &group->share) {
        heap_remove(&group->runnable, &share->order);
        last = !heap_first(&group->runnable);
    }
}

static struct job *ready_job(void)
{
    struct job *job = job_root;
    for (struct share *share; (share = share_first(job)) != &job->own;)
        job = CONTAINER(share, struct job, share);
    return job;
}

/* True if a job, `unbooked` ns of its CPU time counted in, has had its turn before another one:
 * compared are the two shares that compete for the time of one group. */
static bool is_ahead(const struct job *job, uint64_t unbooked, const struct job *other)
{
    const struct share *mine = &job->own, *theirs = &other->own;
    while (mine->group != theirs->group) {
        if (mine->group->depth >= theirs->group->depth)
            mine = &mine->group->share;
        else
            theirs = &theirs->group->share;
    }
    return mine != theirs &&
           mine->vtime + weighted(share_job(mine), unbooked) > theirs->vtime + GRANULARITY;
}

/* --- the ready structure --------------------------------------------------------------------- */

static void ready_insert(struct thread *thread, bool first)
{
    uint32_t band = band_of(thread);
    struct list *queue = &ready_queues[band];
    if (band == 0) {
        struct job *job = thread->process->job;
        queue = &job->ready;
        if (job->ready_count++ == 0) {
            sched_book(job);
            share_enter(&job->own);
        }
    }
    if (first)
        list_add_head(queue, &thread->ready_link);
    else
        list_add_tail(queue, &thread->ready_link);
    thread->queued = (uint8_t)(1 + band);
    ready_bands |= 1u << band;
    ready_total++;
}

static void ready_remove(struct thread *thread)
{
    uint32_t band = thread->queued - 1u;
    list_remove(&thread->ready_link);
    thread->queued = 0;
    ready_total--;
    if (band == 0) {
        struct job *job = thread->process->job;
        if (--job->ready_count == 0)
            share_leave(&job->own);
        if (!heap_first(&job_root->runnable))
            ready_bands &= ~1u;
    } else if (list_empty(&ready_queues[band])) {
        ready_bands &= ~(1u << band);
    }
}

static struct thread *ready_first(void)
{
    uint32_t band = 31 - (uint32_t)__builtin_clz(ready_bands);
    if (band)
        return list_first(&ready_queues[band], struct thread, ready_link);
    return list_first(&ready_job()->ready, struct thread, ready_link);
}

/* True if the machine's only CPU can go on with its thread although another one became ready: that
 * one is of no higher band, not far behind, and the end of the slice is programmed already. */
static inline bool may_go_on(const struct cpu *cpu, const struct thread *ready)
{
    const struct thread *thread = cpu->current;
    if (cpu_limit > 1 || !thread || thread->state != THREAD_RUNNING)
        return false;
    uint32_t band = band_of(thread);
    if (band_of(ready) != band)
        return band_of(ready) < band;
    const struct job *job = thread->process->job, *other = ready->process->job;
    return cpu->programmed <= cpu->slice_end &&
           (band || job == other ||
            !is_ahead(job, job->unbooked_ns + arch_now() - cpu->stamp, other));
}

void sched_ready(struct thread *thread)
{
    if (thread->special && trace_special_ready(thread))
        return;
    thread->state = THREAD_READY;
    struct cpu *cpu = cpu_this();
    if (!ready_bands && !cpu->next && may_go_on(cpu, thread)) {
        cpu->next = thread; /* runs when the present thread blocks, or at the end of its slice */
    } else {
        ready_insert(thread, false);
        if (!may_go_on(cpu, thread))
            cpu->resched = true;
    }
    debug_pause();
}

void sched_unready(struct thread *thread)
{
    if (thread->queued)
        ready_remove(thread);
    /* Another CPU's too: the first one may have put a thread there while it was alone. */
    for (uint32_t i = 0; i < CPU_MAX; i++)
        if (cpus[i].next == thread)
            cpus[i].next = NULL;
}

void sched_poke(struct thread *thread)
{
    struct cpu *cpu = &cpus[thread->cpu];
    cpu->resched = true;
    if (cpu != cpu_this())
        arch_kick(1u << cpu->number);
}

void thread_band_changed(struct thread *thread)
{
    if (thread->queued) {
        if (thread->queued == 1 + band_of(thread))
            return;
        ready_remove(thread);
        ready_insert(thread, false);
        cpu_this()->resched = true;
    } else if (thread->state == THREAD_RUNNING) {
        const struct thread *next = cpus[thread->cpu].next;
        uint32_t band = band_of(thread);
        /* Who waits in the same band, too: above him it may have no end of its slice programmed. */
        if (ready_bands >> band || (next && band_of(next) >= band))
            sched_poke(thread);
    } else if (cpu_this()->next == thread) {
        cpu_this()->resched = true;
    }
}

/* --- waiting --------------------------------------------------------------------------------- */

static void wait_expired(struct timer *timer)
{
    thread_unblock(CONTAINER(timer, struct thread, timer), SW_TIMED_OUT);
}

status_t thread_may_block(struct thread *thread, uint64_t deadline)
{
    if (thread->interrupted) {
        thread->interrupted = false;
        if (thread->process->interrupt_event && thread->process->interrupt_event->bits)
            return SW_INTERRUPTED;
    }
    if (deadline != SW_NEVER) {
        if (deadline == 0 || deadline <= arch_now())
            return SW_TIMED_OUT;
        timer_set(&thread->timer, deadline, wait_expired);
    }
    return SW_OK;
}

static inline void wait_over(struct thread *thread)
{
    ASSERT(thread->state == THREAD_BLOCKED);
    if (thread->timer.node.queued)
        timer_cancel(&thread->timer);
    list_remove(&thread->wait_link);
    thread->wait = SW_WAIT_NONE;
}

void thread_wake(struct thread *thread, status_t status)
{
    wait_over(thread);
    thread->frame.x[0] = (uint64_t)(int64_t)status;
    sched_ready(thread);
}

void thread_wake_restart(struct thread *thread)
{
    wait_over(thread);
    thread->frame.pc -= 4;
    thread->restart = true;
    sched_ready(thread);
}

void thread_wake_direct(struct thread *thread, status_t status)
{
    struct cpu *cpu = cpu_this();
    if (cpu->next || thread->special) {
        thread_wake(thread, status);
        return;
    }
    wait_over(thread);
    thread->frame.x[0] = (uint64_t)(int64_t)status;
    thread->state = THREAD_READY;
    cpu->next = thread;
    cpu->resched = true;
    debug_pause();
}

/* --- time ------------------------------------------------------------------------------------ */

void sched_account(struct cpu *cpu, uint64_t now)
{
    /* Two readings of the counter need not be in order (DDI 0487, D12.2.1). */
    uint64_t spent = now > cpu->stamp ? now - cpu->stamp : 0;
    cpu->stamp = now;
    struct thread *thread = cpu->current;
    if (!thread) {
        cpu->idle_ns += spent;
        return;
    }
    cpu->busy_ns += spent;
    thread->cpu_ns += spent;
    struct process *process = thread->process;
    process->cpu_ns += spent;
    struct job *job = process->job;
    job->cpu_ns += spent;
    if (band_of(thread) == 0)
        job->unbooked_ns += spent;
}

void sched_account_all(void)
{
    uint64_t now = arch_now();
    for (uint32_t i = 0; i < cpu_limit; i++)
        if (cpus[i].stamp)
            sched_account(&cpus[i], now);
}

/* Programs this CPU's timer for its slice and, if it is the owner or beats him, the first deadline.
 */
static void timer_program(struct cpu *cpu, uint64_t now, uint64_t slice)
{
    uint64_t next = timers_next();
    if (timer_owner == (int)cpu->number) {
        if (timer_armed <= now || next < timer_armed)
            timer_armed = next;
        if (timer_armed == SW_NEVER)
            timer_owner = -1;
    } else if (next < timer_armed) {
        timer_owner = (int)cpu->number;
        timer_armed = next;
    }
    uint64_t wanted = timer_owner == (int)cpu->number && timer_armed < slice ? timer_armed : slice;
    if (wanted == cpu->programmed && wanted > now)
        return;
    if (wanted == SW_NEVER && cpu->programmed == SW_NEVER)
        return;
    /* An earlier interrupt than wanted is harmless and saves programming it back and forth. */
    if (cpu->programmed > now && cpu->programmed < wanted)
        return;
    cpu->programmed = wanted;
    arch_timer_set(wanted);
}

/* --- choosing -------------------------------------------------------------------------------- */

/* True if the running thread is to make room for the first of the ready structure. */
static bool must_yield(const struct cpu *cpu, const struct thread *thread, uint64_t now)
{
    if (!ready_bands)
        return false;
    uint32_t band = band_of(thread), top = 31 - (uint32_t)__builtin_clz(ready_bands);
    if (top != band)
        return top > band;
    if (now >= cpu->slice_end)
        return true;
    const struct job *job = thread->process->job;
    return band == 0 && is_ahead(job, job->unbooked_ns, ready_job());
}

static struct thread *take_first(struct cpu *cpu, uint64_t now)
{
    struct thread *thread = ready_first();
    ready_remove(thread);
    cpu->slice_end = now + SLICE;
    return thread;
}

/* The thread this CPU runs next; NULL: none. `previous` is current and may go on if RUNNING. */
static struct thread *choose(struct cpu *cpu, struct thread *previous, uint64_t now)
{
    struct thread *direct = cpu->next;
    cpu->next = NULL;
    if (previous && previous->state == THREAD_RUNNING) {
        if (direct)
            ready_insert(direct, true);
        bool yielded = cpu->yielded;
        cpu->yielded = false;
        if (!must_yield(cpu, previous, now)) {
            if (now >= cpu->slice_end)
                cpu->slice_end = now + SLICE;
            return previous;
        }
        previous->state = THREAD_READY;
        if (!yielded) {
            ready_insert(previous, false);
            return take_first(cpu, now);
        }
        struct thread *thread = take_first(cpu, now); /* even if its turn would be later */
        ready_insert(previous, false);
        return thread;
    }
    cpu->yielded = false;
    if (direct) {
        /* The slice goes on, so that two threads that call each other cannot keep others out. */
        if (!must_yield(cpu, direct, now)) {
            if (now >= cpu->slice_end)
                cpu->slice_end = now + SLICE;
            return direct;
        }
        ready_insert(direct, false);
    }
    return ready_bands ? take_first(cpu, now) : NULL;
}

/* A server that keeps others waiting for the CPU and has not waited at its port itself for as much CPU
 * time as a call to it may wait is overdue without a call, too: those who would call it may be the ones
 * that wait. Looked at once in such a time, so it takes two at most to find it. Returns when to look
 * again; SW_NEVER: not a watched server's thread. */
static uint64_t server_due(struct thread *thread, uint64_t now)
{
    const struct channel *channel = thread->process->watched;
    if (!channel || channel->port->server != thread)
        return SW_NEVER;
    uint64_t used = thread->cpu_ns + 1;
    if (!thread->busy_from)
        thread->busy_from = used;
    if (!channel->watch)
        return SW_NEVER;
    used -= thread->busy_from;
    uint64_t left = used < channel->watch_limit ? channel->watch_limit - used : 0;
    return left < SW_NEVER - now ? now + left : SW_NEVER;
}

/* Tells of it, and once more when the limit has passed again. While nobody watches it waits for who
 * comes next. */
static void server_check(struct thread *thread)
{
    struct channel *channel = thread->process->watched;
    if (channel && channel->watch && channel->port->server == thread && thread->busy_from &&
        thread->cpu_ns + 1 - thread->busy_from >= channel->watch_limit) {
        thread->busy_from = 0;
        channel_watch_raise(channel);
    }
}

static bool work_pending(void)
{
    return process_work_pending() || object_work_pending();
}

/* Not __builtin_popcount: a libgcc function that uses FP registers, and those are the user's. */
static uint32_t bit_count(uint32_t mask)
{
    uint32_t count = 0;
    for (; mask; mask &= mask - 1)
        count++;
    return count;
}

/* Ready threads or clean-up work are left: wakes an idle CPU for them, or interrupts one that runs
 * a lower band. What waits for longer than a slice (`slice_over`: of this CPU) is to have its turn
 * on every CPU that runs its band: one that began when nobody waited is told that its slice ends.
 */
static void spread(const struct cpu *cpu, uint64_t now, bool slice_over)
{
    uint32_t idle = idle_mask & ~kicked_mask;
    if (idle) {
        if (ready_total + work_pending() <= bit_count(kicked_mask))
            return;
        uint32_t hint = ready_bands ? 1u << ready_first()->cpu : 0;
        uint32_t target = idle & hint ? hint : idle & -idle;
        kicked_mask |= target;
        arch_kick(target);
        return;
    }
    if (kicked_mask || !ready_bands)
        return;
    uint32_t top = 31 - (uint32_t)__builtin_clz(ready_bands), lowest = top;
    bool covered = band_of(cpu->current) == top && !slice_over; /* this CPU's slice sees to it */
    struct cpu *victim = NULL;
    for (uint32_t i = 0; i < cpu_limit; i++) {
        struct cpu *other = &cpus[i];
        if (other == cpu || !other->online || other->resched || !other->current)
            continue;
        uint32_t band = band_of(other->current);
        bool unsliced = band == top && !covered && !victim && other->programmed > now + SLICE;
        if (band < lowest || unsliced) {
            lowest = band;
            victim = other;
        }
    }
    if (victim) {
        victim->resched = true;
        arch_kick(1u << victim->number);
    }
}

static void work_slice(void)
{
    if (process_work_pending())
        process_work();
    else if (object_work_pending())
        object_work();
}

/* Waits with the lock released until something happened. Nothing is current. */
static void idle_wait(struct cpu *cpu)
{
    uint32_t bit = 1u << cpu->number;
    if (cpu->space) {
        cpu->space->running &= ~bit;
        if (cpu->space->dying) {
            space_enter(NULL);
            if (work_pending()) /* its clean-up waited for this */
                return;
        }
    }
    timer_program(cpu, cpu->stamp, SW_NEVER);
    cpu->idle = true;
    idle_mask |= bit;
    lock_release();
    arch_idle();
    lock_take();
    idle_mask &= ~bit;
    kicked_mask &= ~bit;
    cpu->idle = false;
    sched_account(cpu, arch_now());
    object_hooks_hold(); /* released in sched_switch */
    arch_interrupt_dispatch();
}

/* Makes the thread current. `saved`: whose FP state the registers hold; NULL: nobody's. */
static inline void become(struct cpu *cpu, struct thread *saved, struct thread *thread)
{
    thread->state = THREAD_RUNNING;
    if (thread != saved) {
        if (saved)
            arch_fp_save(&saved->fp);
        arch_fp_restore(&thread->fp);
        cpu->switches++;
    }
    thread->cpu = (int8_t)cpu->number;
    cpu->current = thread;
    space_enter(thread->process->space);
}

/* The most frequent switch: a thread has blocked after it handed the CPU to another one (call,
 * answer), and there is nothing else to choose from or to do. A deadline that has passed interrupts
 * later; a slice end that is still programmed for others does no harm. Between threads of one
 * process the time goes on being booked to the same accounts, and the counter is not read. */
static __attribute__((noinline)) struct thread *switch_handed(struct cpu *cpu,
                                                              struct thread *blocked)
{
    struct thread *thread = cpu->next;
    cpu->next = NULL;
    cpu->resched = cpu->yielded = false;
    if (thread->process != blocked->process || band_of(thread) != band_of(blocked)) {
        uint64_t now = arch_now();
        sched_account(cpu, now);
        if (now >= cpu->slice_end)
            cpu->slice_end = now + SLICE;
    }
    become(cpu, blocked, thread);
    if (timers_next() < timer_armed)
        timer_program(cpu, arch_now(), SW_NEVER);
    return thread;
}

static __attribute__((noinline)) struct thread *sched_switch(struct cpu *cpu)
{
    struct thread *saved = cpu->current; /* whose FP state the registers hold; NULL: nobody's */
    for (;;) {
        uint64_t now = arch_now();
        if (!cpu->stamp) { /* this CPU's first time */
            cpu->stamp = now;
            cpu_limit = cpu->number >= cpu_limit ? cpu->number + 1 : cpu_limit;
        }
        sched_account(cpu, now);
        if (cpu->current)
            sched_book(cpu->current->process->job);
        object_hooks_hold();
        if (timers_next() <= now)
            timers_run(now);
        if (work_pending())
            work_slice();
        struct thread *previous = cpu->current; /* a timer or the work may have finished it */
        if (previous && previous->state == THREAD_RUNNING) {
            if (previous->leaves == LEAVES_DIVERTED) {
                previous->frame.pc = previous->divert;
                previous->leaves = LEAVES_NOT;
                if (previous->process->trace)
                    trace_thread_new(previous);
            }
            if (previous->leaves == LEAVES_ENDING) {
                thread_finish(previous);
                previous = NULL;
            } else if (previous->special & SPECIAL_STOPPED) {
                previous->state = THREAD_READY;
            } else if (previous->busy_from) {
                server_check(previous);
            }
        }
        object_hooks_release(); /* may make threads ready */
        if (!cpu->current)
            saved = NULL;
        /* Not earlier: what timers, work and hooks have woken is chosen from now, and a CPU that
         * still had it set would not be interrupted by `spread`. */
        cpu->resched = false;
        bool slice_over = now >= cpu->slice_end;
        struct thread *thread = choose(cpu, previous, now);
        if (thread) {
            become(cpu, saved, thread);
            bool work = work_pending();
            uint64_t slice = SW_NEVER;
            if (work)
                slice = now + SLICE_WORK;
            else if (ready_bands >> band_of(thread) & 1)
                slice = cpu->slice_end;
            if (ready_bands) {
                uint64_t due = server_due(thread, now);
                slice = due < slice ? due : slice;
            }
            timer_program(cpu, now, slice);
            if (ready_bands || work)
                spread(cpu, now, slice_over);
            return thread;
        }
        if (saved)
            arch_fp_save(&saved->fp);
        saved = NULL;
        cpu->current = NULL;
        if (work_pending()) { /* others get the lock between slices, and so do interrupts */
            lock_release();
            lock_take();
            object_hooks_hold();
            arch_interrupt_dispatch();
            continue;
        }
        idle_wait(cpu);
    }
}

struct thread *sched_exit(void)
{
    struct cpu *cpu = cpu_this();
    object_hooks_release();
    struct thread *thread = cpu->current;
    if (thread && thread->state == THREAD_RUNNING && !cpu->resched)
        return thread;
    if (cpu->next && thread && thread->state == THREAD_BLOCKED && !ready_bands && !work_pending())
        return switch_handed(cpu, thread);
    return sched_switch(cpu);
}

status_t sys_thread_yield(struct thread *thread)
{
    (void)thread;
    struct cpu *cpu = cpu_this();
    cpu->slice_end = 0;
    cpu->yielded = true;
    cpu->resched = true;
    return SW_OK;
}
