/* Sleeping on a word: the kernel's futex, and the mutex and the condition of the runtime over it.
 *
 * Two consumers wait, by mutex and condition, for what a producer makes. All words are changed by
 * atomic instructions, but such a store may become visible to others later than what its thread
 * reads next: it stays in a buffer until it reaches memory, and nobody else can change the word
 * meanwhile. Letting go of the kernel's lock waits for the stores before it (a store-release).
 * futex_wait looks at the word and goes to sleep in one hold of the lock; futex_wake wakes any
 * sleeper, for the kernel's order among them is not relied on.
 *
 * Checked: one thread at a time holds the mutex; when nothing moves any more all has been consumed
 * (a lost wake-up leaves a sleeper: an invalid end state).
 *
 * Variants that must fail: BUG_LOOK (the word is looked at before the lock is taken), BUG_RELEASE
 * (the lock is let go before the stores are visible), BUG_WAITER (a thread that has slept takes the
 * mutex as if nobody else did), BUG_SEQUENCE (the condition's number is read after the mutex was
 * given back), BUG_SIGNAL (the condition is signalled before its number is changed). */

#define CONSUMERS 2
#define UNITS 2
#define PRODUCER CONSUMERS
#define THREADS (CONSUMERS + 1)

#define AWAKE 0
#define MUTEX 1
#define SEQUENCE 2

byte memory[3];     /* [word]: as others see it */
bit changing[3];    /* a store to it is in a thread's buffer */

typedef Buffer {
    bit held[3];
    byte value[3];
};

Buffer buffer[THREADS];
bit lock;            /* the kernel's */
byte sleeps[THREADS]; /* at which word */
byte holders;        /* of the mutex */
byte units, consumed;

/* A thread's own store is what it reads itself. */
#define SEEN(me, word) (buffer[me].held[word] -> buffer[me].value[word] : memory[word])
#define FLUSHED(me) (!buffer[me].held[MUTEX] && !buffer[me].held[SEQUENCE])

inline store(me, word, new)
{
    changing[word] = 1;
    buffer[me].held[word] = 1;
    buffer[me].value[word] = new
}

inline exchange(me, word, new, old)
{
    atomic { !changing[word] -> old = memory[word]; store(me, word, new) }
}

inline acquire() { atomic { lock == 0 -> lock = 1 } }

inline release(me)
{
#ifdef BUG_RELEASE
    lock = 0
#else
    atomic { FLUSHED(me) -> lock = 0 }
#endif
}

inline futex_wait(me, word, expected)
{
#ifdef BUG_LOOK
    seen = SEEN(me, word);
    acquire();
#else
    acquire();
    seen = SEEN(me, word);
#endif
    if
    :: seen == expected -> sleeps[me] = word
    :: else
    fi;
    release(me);
    sleeps[me] == AWAKE
}

inline futex_wake(me, word)
{
    acquire();
    if
    :: sleeps[0] == word -> sleeps[0] = AWAKE
    :: sleeps[1] == word -> sleeps[1] = AWAKE
    :: sleeps[2] == word -> sleeps[2] = AWAKE
    :: else
    fi;
    release(me)
}

inline mutex_lock(me)
{
    atomic {
        !changing[MUTEX];
        old = memory[MUTEX];
        if
        :: old == 0 -> store(me, MUTEX, 1)
        :: else
        fi
    };
    do
    :: old == 0 -> break
    :: else ->
#ifdef BUG_WAITER
        atomic {
            !changing[MUTEX];
            old = memory[MUTEX];
            if
            :: old == 0 -> store(me, MUTEX, 1)
            :: else -> store(me, MUTEX, 2)
            fi
        };
#else
        exchange(me, MUTEX, 2, old);
#endif
        if
        :: old != 0 -> futex_wait(me, MUTEX, 2)
        :: else
        fi
    od;
    holders++;
    assert(holders == 1)
}

inline mutex_unlock(me)
{
    holders--;
    exchange(me, MUTEX, 0, old);
    if
    :: old == 2 -> futex_wake(me, MUTEX)
    :: else
    fi
}

inline condition_wait(me)
{
#ifdef BUG_SEQUENCE
    mutex_unlock(me);
    number = SEEN(me, SEQUENCE);
#else
    number = SEEN(me, SEQUENCE);
    mutex_unlock(me);
#endif
    futex_wait(me, SEQUENCE, number);
    mutex_lock(me)
}

inline condition_signal(me)
{
#ifdef BUG_SIGNAL
    futex_wake(me, SEQUENCE);
    atomic { !changing[SEQUENCE] -> store(me, SEQUENCE, memory[SEQUENCE] + 1) }
#else
    atomic { !changing[SEQUENCE] -> store(me, SEQUENCE, memory[SEQUENCE] + 1) };
    futex_wake(me, SEQUENCE)
#endif
}

proctype Consumer(byte me)
{
    byte old, seen, number;
    mutex_lock(me);
    do
    :: units > 0 -> break
    :: else -> condition_wait(me)
    od;
    units--;
    consumed++;
    mutex_unlock(me)
}

proctype Producer(byte me)
{
    byte old, seen, number, made;
    do
    :: made == UNITS -> break
    :: else ->
        mutex_lock(me);
        units++;
        made++;
        mutex_unlock(me);
        condition_signal(me)
    od
}

/* The store buffers: a store reaches memory when it likes, in any order. */
proctype Memory(byte me)
{
end:
    do
    :: atomic { buffer[me].held[MUTEX] ->
        memory[MUTEX] = buffer[me].value[MUTEX]; buffer[me].held[MUTEX] = 0; changing[MUTEX] = 0 }
    :: atomic { buffer[me].held[SEQUENCE] ->
        memory[SEQUENCE] = buffer[me].value[SEQUENCE]; buffer[me].held[SEQUENCE] = 0;
        changing[SEQUENCE] = 0 }
    od
}

init
{
    atomic {
        run Memory(0); run Memory(1); run Memory(2);
        run Consumer(0); run Consumer(1); run Producer(PRODUCER)
    }
}
