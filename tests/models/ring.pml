/* The shared ring: looking twice before sleeping, over memory that reorders.
 *
 * One producer, one consumer, a ring of two slots; indices and the two "I sleep" flags lie in
 * shared memory, and each side's stores pass through a store buffer that empties when it likes or
 * at a barrier (a store then a load of another word may be seen the other way round, as on any
 * real CPU). A side that finds nothing to do sets its flag, looks once more, and only then waits
 * on its event; a side that changed an index looks at the other's flag and sets the event.
 * Events are the kernel's: level-triggered, never lost. The shared pipe end of a terminal is the
 * same with the kernel's pipe in place of the indices.
 *
 * Checked: all units arrive; an index read is never believed beyond the private capacity.
 *
 * Variants that must fail: BUG_LOOK (no second look), BUG_BARRIER (no barrier between the flag's
 * store and the second look), BUG_WAKE (no barrier between the index's store and the look at the
 * other's flag). */

#define CAPACITY 2
#define UNITS 4

#define PRODUCER 0
#define CONSUMER 1

/* Words of shared memory, as each side sees them: its own stores at once, the other's later. */
#define INDEX 0 /* head of the producer, tail of the consumer */
#define SLEEPS 1

typedef Words {
    byte word[2];
};

Words memory[2];      /* [side]: what side wrote, as memory has it */
Words own[2];         /* what side itself sees of its words */
bit event[2];         /* wakes side */
byte received;

#define FLUSHED(side) (memory[side].word[INDEX] == own[side].word[INDEX] && \
                       memory[side].word[SLEEPS] == own[side].word[SLEEPS])

#define store(side, w, value) own[side].word[w] = value
/* A barrier ends when every own store is in memory. */
#define barrier(side) FLUSHED(side)

#define FULL (own[PRODUCER].word[INDEX] - memory[CONSUMER].word[INDEX] >= CAPACITY)
#define EMPTY (memory[PRODUCER].word[INDEX] == own[CONSUMER].word[INDEX])

/* The store buffers: one word at a time reaches memory, in any order. */
proctype Memory(byte side)
{
end:
    do
    :: atomic { memory[side].word[INDEX] != own[side].word[INDEX] ->
        memory[side].word[INDEX] = own[side].word[INDEX] }
    :: atomic { memory[side].word[SLEEPS] != own[side].word[SLEEPS] ->
        memory[side].word[SLEEPS] = own[side].word[SLEEPS] }
    od
}

/* After a change of side's index: wake the other if it says that it sleeps. */
inline tell(side)
{
#ifndef BUG_WAKE
    barrier(side);
#endif
    if
    :: memory[1 - side].word[SLEEPS] -> event[1 - side] = 1
    :: else
    fi
}

/* Waits until `blocked` may be over. */
#ifdef BUG_LOOK
#define SLEEP(side, blocked) store(side, SLEEPS, 1); event[side]; event[side] = 0; \
    store(side, SLEEPS, 0)
#else
#ifdef BUG_BARRIER
#define LOOK_BARRIER(side) skip
#else
#define LOOK_BARRIER(side) barrier(side)
#endif
#define SLEEP(side, blocked) store(side, SLEEPS, 1); LOOK_BARRIER(side); \
    if :: blocked -> event[side]; event[side] = 0 :: else fi; store(side, SLEEPS, 0)
#endif

proctype Producer()
{
    byte sent;

    do
    :: sent == UNITS -> break
    :: sent < UNITS && FULL -> SLEEP(PRODUCER, FULL)
    :: sent < UNITS && !FULL ->
        sent++;
        store(PRODUCER, INDEX, sent);
        tell(PRODUCER)
    od
}

proctype Consumer()
{
    do
    :: received == UNITS -> break
    :: received < UNITS && EMPTY -> SLEEP(CONSUMER, EMPTY)
    :: received < UNITS && !EMPTY ->
        assert(memory[PRODUCER].word[INDEX] - own[CONSUMER].word[INDEX] <= CAPACITY);
        received++;
        store(CONSUMER, INDEX, received);
        tell(CONSUMER)
    od
}

init {
    atomic {
        run Memory(PRODUCER);
        run Memory(CONSUMER);
        run Producer();
        run Consumer()
    };
    timeout -> assert(received == UNITS)
}
