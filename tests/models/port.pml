/* A port's pending bits, and waking its waiter on another CPU.
 *
 * Two sources (think: pipes) are bound to one port. Each binding has one pending bit and is
 * level-triggered: a signal queues the binding if it is not queued; a delivery looks at the level
 * again, drops a binding whose level is gone and keeps one whose level is still there. One thread
 * waits; two produce. They run on two CPUs under one big lock. A CPU that finds nothing to run
 * marks itself idle under the lock, gives the lock up, and waits for an interrupt; who makes a
 * thread ready and sees an idle CPU takes the mark away and sends that CPU an interrupt, which
 * stays pending until it is taken.
 *
 * Checked: when nothing moves any more, everything that was produced was consumed, although one
 * producer never gives its CPU back: no wake-up waits for the end of a time slice.
 *
 * Variants that must fail: BUG_SLEEP (the waiter looks, gives up the lock, then sleeps), BUG_EDGE
 * (a delivery forgets a binding whose level is still there), BUG_MARK (a CPU marks itself idle
 * after giving up the lock), BUG_CLEAR (a CPU clears its pending interrupt before it waits). */

#define CPUS 2
#define SOURCES 2
#define UNITS 2
#define WAITER SOURCES /* thread numbers: the producers, then the waiter */
#define THREADS (SOURCES + 1)
#define NOTHING 255

mtype = { READY, RUNNING, WAITING, ENDED };

mtype thread[THREADS] = READY;
byte level[SOURCES];    /* units a source holds; its level is set while there is one */
bit queued[SOURCES];    /* the binding's pending bit */
byte produced[SOURCES];
byte consumed;
bit looked;             /* BUG_SLEEP: the waiter found nothing and is about to sleep */

bit lock;
bit idle[CPUS];
bit interrupt[CPUS];

inline acquire() { atomic { lock == 0 -> lock = 1 } }
inline release() { lock = 0 }

/* Makes a thread ready; an idle CPU gets the interrupt. */
inline wake(t)
{
    thread[t] = READY;
    if
    :: idle[0] -> idle[0] = 0; interrupt[0] = 1
    :: !idle[0] && idle[1] -> idle[1] = 0; interrupt[1] = 1
    :: else
    fi
}

inline signal(s)
{
    queued[s] = 1;
    if
    :: thread[WAITER] == WAITING -> wake(WAITER)
    :: else
    fi
}

/* One step of a producer: a unit appears in its source. */
inline produce(s)
{
    acquire();
    level[s]++;
    produced[s]++;
    signal(s);
    last = (produced[s] == UNITS);
    thread[s] = (last -> ENDED : READY);
    release()
}

/* One step of the waiter: port_wait, and a read of one unit of the source it names. */
inline wait_and_take(got)
{
    acquire();
#ifdef BUG_SLEEP
    if
    :: looked -> looked = 0; thread[WAITER] = WAITING; release(); goto next
    :: else
    fi;
#endif
    do
    :: queued[0] && level[0] == 0 -> queued[0] = 0
    :: queued[1] && level[1] == 0 -> queued[1] = 0
    :: queued[0] && level[0] > 0 -> got = 0; break
    :: queued[1] && level[1] > 0 -> got = 1; break
    :: !queued[0] && !queued[1] -> got = NOTHING; break
    od;
    if
    :: got == NOTHING ->
#ifdef BUG_SLEEP
        looked = 1; thread[WAITER] = READY; release(); goto next
#else
        thread[WAITER] = WAITING; release(); goto next
#endif
    :: else ->
#ifdef BUG_EDGE
        queued[got] = 0
#else
        skip
#endif
    fi;
    release();
    acquire(); /* the read is another call: other things happen between */
    if
    :: level[got] > 0 -> level[got]--; consumed++
    :: else
    fi;
    thread[WAITER] = READY;
    release()
}

proctype Cpu(byte c)
{
    byte t, got;
    bit last;

next:
    acquire();
    atomic {
        if
        :: thread[0] == READY -> t = 0
        :: thread[1] == READY -> t = 1
        :: thread[2] == READY -> t = 2
        :: else -> t = NOTHING
        fi
    };
    if
    :: t == NOTHING ->
#ifdef BUG_MARK
        release();
        idle[c] = 1;
#else
        idle[c] = 1;
        release();
#endif
#ifdef BUG_CLEAR
        interrupt[c] = 0;
#endif
end:
        atomic { interrupt[c] -> interrupt[c] = 0 }; /* WFI ends with a pending interrupt */
        acquire();
        idle[c] = 0;
        release();
        goto next
    :: else ->
        thread[t] = RUNNING;
        release();
        if
        :: t == WAITER -> wait_and_take(got)
        :: else ->
            produce(t);
            if
            :: t == 0 && last ->
end_hog:        false /* the first producer goes on computing and keeps its CPU */
            :: else
            fi
        fi;
        goto next
    fi
}

init {
    atomic {
        run Cpu(0);
        run Cpu(1)
    };
    timeout ->
        assert(consumed == SOURCES * UNITS);
        assert(thread[WAITER] == WAITING)
}
