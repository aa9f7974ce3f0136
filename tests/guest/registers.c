/* Fills the FP and SIMD registers, enters the kernel in all the ways a running program can, and
 * looks at them again: nothing the kernel or another program does may show.
 *
 *   registers SECONDS      status 1 and a line when a register has changed */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <swos/abi.h>
#include <swos/clock.h>
#include <swos/status.h>
#include <swos/thread.h>

#define SLEEPERS 3 /* woken together: more than one thread becomes ready at once */
#define SPINS 5000
#define WORDS 64

static uint32_t word; /* what the sleepers wait for: counts the wakes */

static void *sleeper(void *end)
{
    while (sw_clock_monotonic() < (uintptr_t)end)
        sw_futex_wait((uintptr_t)&word, __atomic_load_n(&word, __ATOMIC_RELAXED), (uintptr_t)end);
    return NULL;
}

/* Loads all 32 registers, wakes the sleepers, spins, and stores them in place. */
static void keep(uint64_t registers[WORDS])
{
    register uint64_t x0 __asm__("x0") = (uintptr_t)&word;
    register uint64_t x1 __asm__("x1") = SLEEPERS;
    register uint64_t x8 __asm__("x8") = SW_SYS_FUTEX_WAKE;
    uint64_t spins = SPINS;
    __asm__ volatile("ld1 {v0.2d-v3.2d}, [%1], #64\n\t"
                     "ld1 {v4.2d-v7.2d}, [%1], #64\n\t"
                     "ld1 {v8.2d-v11.2d}, [%1], #64\n\t"
                     "ld1 {v12.2d-v15.2d}, [%1], #64\n\t"
                     "ld1 {v16.2d-v19.2d}, [%1], #64\n\t"
                     "ld1 {v20.2d-v23.2d}, [%1], #64\n\t"
                     "ld1 {v24.2d-v27.2d}, [%1], #64\n\t"
                     "ld1 {v28.2d-v31.2d}, [%1]\n\t"
                     "sub %1, %1, #448\n\t"
                     "svc #0\n"
                     "1:\tsubs %0, %0, #1\n\t"
                     "b.ne 1b\n\t"
                     "st1 {v0.2d-v3.2d}, [%1], #64\n\t"
                     "st1 {v4.2d-v7.2d}, [%1], #64\n\t"
                     "st1 {v8.2d-v11.2d}, [%1], #64\n\t"
                     "st1 {v12.2d-v15.2d}, [%1], #64\n\t"
                     "st1 {v16.2d-v19.2d}, [%1], #64\n\t"
                     "st1 {v20.2d-v23.2d}, [%1], #64\n\t"
                     "st1 {v24.2d-v27.2d}, [%1], #64\n\t"
                     "st1 {v28.2d-v31.2d}, [%1]"
                     : "+r"(spins), "+r"(registers), "+r"(x0), "+r"(x1)
                     : "r"(x8)
                     : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
                       "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
                       "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}

int main(int argc, char **argv)
{
    uint64_t end = sw_clock_deadline((argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * SW_SECOND);
    uint64_t value = sw_clock_monotonic();
    struct sw_thread *threads[SLEEPERS];

    for (unsigned i = 0; i < SLEEPERS; i++) {
        if (sw_thread_start(sleeper, (void *)(uintptr_t)end, 0, &threads[i]) != SW_OK)
            return 2;
    }
    while (sw_clock_monotonic() < end) {
        uint64_t wanted[WORDS], got[WORDS];
        for (unsigned i = 0; i < WORDS; i++)
            wanted[i] = got[i] = value = value * 6364136223846793005u + 1442695040888963407u;
        __atomic_fetch_add(&word, 1, __ATOMIC_RELAXED);
        keep(got);
        for (unsigned i = 0; i < WORDS; i++) {
            if (got[i] != wanted[i]) {
                printf("v%u changed: %016llx, not %016llx\n", i / 2, (unsigned long long)got[i],
                       (unsigned long long)wanted[i]);
                return 1;
            }
        }
    }
    for (unsigned i = 0; i < SLEEPERS; i++)
        sw_thread_join(threads[i], SW_NEVER, NULL);
    return 0;
}
