/* The pauses of debug builds (arch.h); nothing of this file is in a release build.
 *
 * Each CPU has its own sequence from the seed of the run (`swos.seed=N` fixes it), so a pause needs
 * no lock, and the same run has the same pauses. */
#include "arch.h"
#include "log.h"
#include "process.h"

#ifdef SW_DEBUG
#define IDLE_TURN 2048 /* rounds between two looks: giving up the turn costs an emulator far more */

bool debug_idle_polls;
static uint64_t states[CPU_MAX]; /* xorshift; 0: no pauses yet */

void debug_pauses_init(void)
{
    uint64_t seed = random_u64();
    for (uint32_t i = 0; i < CPU_MAX; i++)
        states[i] = (seed ^ (i + 1) * 0x9e3779b97f4a7c15ull) | 1;
}

/* One in four is none; of the others most are short, and one of 64 is about as long as a time slice
 * of a host with few cores. */
void debug_pause(void)
{
    uint64_t *state = &states[cpu_this()->number];
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    if (!(*state & 3))
        return;
    uint64_t length = *state >> 2 & 63 ? *state >> 32 & 255 : *state >> 32 & 0xffff;
    __asm__ volatile("yield"); /* an emulator that runs one CPU at a time runs another one now */
    for (uint64_t i = 0; i < length; i++)
        __asm__ volatile("");
}

void debug_idle(void)
{
    uint64_t pending;
    for (;;) {
        __asm__ volatile("mrs %0, isr_el1" : "=r"(pending)::"memory");
        if (pending)
            return;
        for (uint32_t i = 0; i < IDLE_TURN; i++)
            __asm__ volatile("");
        __asm__ volatile("yield");
    }
}
#endif
