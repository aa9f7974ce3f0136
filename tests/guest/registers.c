/* Fills the registers, enters the kernel in all the ways a running program can, and looks at them
 * again: nothing the kernel or another program does may show.
 *
 * Before that: what a process and a thread find in them when they begin tells nothing.
 *
 *   registers SECONDS      status 1 and a line when a register has changed */
#include "check.h"
#include <stdlib.h>
#include <string.h>
#include <swos/path.h>
#include <swos/protocol.h>
#include <swos/thread.h>

#define SLEEPERS 3 /* woken together: more than one thread becomes ready at once */
#define SPINS 5000
#define WORDS 64
#define STRING_(x) #x
#define STRING(x) STRING_(x)

static uint32_t word; /* what the sleepers wait for: counts the wakes */

static void *sleeper(void *end)
{
    while (sw_clock_monotonic() < (uintptr_t)end)
        sw_futex_wait((uintptr_t)&word, __atomic_load_n(&word, __ATOMIC_RELAXED), (uintptr_t)end);
    return NULL;
}

/* What decides and tells about arithmetic: the bits that can be set of FPCR (AHP to RMode) and FPSR
 * (QC, IDC, IXC to IOC), and NZCV. */
struct state {
    uint64_t fpcr, fpsr, flags;
};
#define FPCR_BITS 0x07c00000u
#define FPSR_BITS 0x0800009fu
#define NZCV_BITS 0xf0000000u

/* Loads the state and all 32 registers, wakes the sleepers, spins, and stores them in place. */
static void keep(uint64_t registers[WORDS], struct state *state)
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
                     "msr fpcr, %4\n\t"
                     "msr fpsr, %5\n\t"
                     "msr nzcv, %6\n\t"
                     "svc #0\n"
                     "1:\tsub %0, %0, #1\n\t" /* leaves the flags alone */
                     "cbnz %0, 1b\n\t"
                     "mrs %4, fpcr\n\t"
                     "mrs %5, fpsr\n\t"
                     "mrs %6, nzcv\n\t"
                     "msr fpcr, xzr\n\t"
                     "st1 {v0.2d-v3.2d}, [%1], #64\n\t"
                     "st1 {v4.2d-v7.2d}, [%1], #64\n\t"
                     "st1 {v8.2d-v11.2d}, [%1], #64\n\t"
                     "st1 {v12.2d-v15.2d}, [%1], #64\n\t"
                     "st1 {v16.2d-v19.2d}, [%1], #64\n\t"
                     "st1 {v20.2d-v23.2d}, [%1], #64\n\t"
                     "st1 {v24.2d-v27.2d}, [%1], #64\n\t"
                     "st1 {v28.2d-v31.2d}, [%1]"
                     : "+r"(spins), "+r"(registers), "+r"(x0), "+r"(x1), "+r"(state->fpcr),
                       "+r"(state->fpsr), "+r"(state->flags)
                     : "r"(x8)
                     : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9",
                       "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20",
                       "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
}

#define EACH(what)                                                                                 \
    ".irp n, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, "        \
    "24, 25, 26, 27, 28, 29, 30\n\t" what "\n\t.endr\n\t"
#define PATTERN 0x1000

/* Makes a system call with each register n that is no part of it holding PATTERN + n, and stores
 * what they hold afterwards. */
static void keep_general(uint64_t number, uint64_t first, uint64_t second, uint64_t got[31])
{
    register uint64_t x0 __asm__("x0") = first;
    register uint64_t x1 __asm__("x1") = second;
    register uint64_t x8 __asm__("x8") = number;
    register uint64_t *x9 __asm__("x9") = got;
    __asm__ volatile(
        "stp x29, x30, [sp, #-32]!\n\t"
        "str x9, [sp, #16]\n\t" EACH(
            "mov x\\n, #0x1000 + \\n") "svc #0\n\t"
                                       "ldr x8, [sp, #16]\n\t" EACH(
                                           "str x\\n, [x8, #8 * \\n]") "ldp x29, x30, [sp], #32"
        : "+r"(x0), "+r"(x1), "+r"(x8), "+r"(x9)
        :
        : "memory", "cc", "x2", "x3", "x4", "x5", "x6", "x7", "x10", "x11", "x12", "x13", "x14",
          "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
          "x28");
}

/* Calls that go on at once, wake others, give way to them, and fault on their way (an address that
 * cannot be read). */
static int general_changed(void)
{
    static const struct {
        uint64_t number, first, second;
    } calls[] = {
        { SW_SYS_PROCESS_RESTRICT, UINT64_MAX, 0 },
        { SW_SYS_FUTEX_WAKE, (uintptr_t)&word, SLEEPERS },
        { SW_SYS_THREAD_YIELD, 0, 0 },
        { SW_SYS_EVENT_CREATE + 1000, 0, 0 },
        { SW_SYS_PROCESS_INFO, 0, 8 },
    };
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        uint64_t got[31];
        keep_general(calls[i].number, calls[i].first, calls[i].second, got);
        for (unsigned n = 2; n < 31; n++) {
            if (n != 8 && got[n] != PATTERN + n) {
                printf("x%u changed by call %u: %016llx\n", n, (unsigned)calls[i].number,
                       (unsigned long long)got[n]);
                return 1;
            }
        }
    }
    return 0;
}

/* Where a thread (from first_of_thread on) and a process begin: ends the process with status 1 when
 * a register that means nothing there holds something. */
extern const char _start[], first_of_thread[], first_of_process[];
__asm__(".pushsection .text\n\t"
        ".globl first_of_thread, first_of_process\n"
        "first_of_thread:\n\t"
        "orr x4, x4, x1\n\t"
        "orr x4, x4, x2\n\t"
        "orr x4, x4, x3\n"
        "first_of_process:\n\t"
        ".irp n, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, "
        "26, 27, 28, 29, 30\n\t"
        "orr x4, x4, x\\n\n\t"
        ".endr\n\t"
        ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, "
        "23, 24, 25, 26, 27, 28, 29, 30, 31\n\t"
        "orr v0.16b, v0.16b, v\\n\\().16b\n\t"
        ".endr\n\t"
        "mov x5, v0.d[0]\n\t"
        "mov x6, v0.d[1]\n\t"
        "mrs x7, fpcr\n\t"
        "mrs x8, fpsr\n\t"
        "mrs x9, tpidr_el0\n\t"
        ".irp n, 5, 6, 7, 8, 9\n\t"
        "orr x4, x4, x\\n\n\t"
        ".endr\n\t"
        "cmp x4, #0\n\t"
        "cset x0, ne\n\t"
        "mov x8, #" STRING(SW_SYS_PROCESS_EXIT) "\n\t"
                                                "svc #0\n"
                                                ".popsection");

/* This program, beginning there. The status of its end; -1: it could not be started. */
static int32_t process_run(const char *entry)
{
    static const uint8_t start[sizeof(struct sw_start)];
    struct sw_spawn spawn = { .start = (uint64_t)(uintptr_t)start, .start_length = sizeof start };
    struct sw_file_open_program_reply reply;
    struct sw_place place;
    handle_t process;
    int32_t status = -1;

    if (sw_path_resolve(sw_start_argument(0), &place) != SW_OK ||
        sw_file_open_program(place.connection, place.path, place.length, &reply, &spawn.memory[0],
                             &spawn.memory[1], &spawn.memory[2], &spawn.memory[3],
                             sw_clock_deadline(SW_SECOND)) != SW_OK)
        return -1;
    reply.program.entry += (uint64_t)(entry - _start);
    spawn.program = (uint64_t)(uintptr_t)&reply.program;
    if (sw_process_create(sw_start_get("job"), &spawn, &process, NULL) == SW_OK) {
        sw_process_wait(process, sw_clock_deadline(10 * SW_SECOND), &status);
        sw_handle_close(process);
    }
    for (size_t i = 0; i < sizeof spawn.memory / sizeof *spawn.memory; i++) {
        if (spawn.memory[i])
            sw_handle_close(spawn.memory[i]);
    }
    return status;
}

/* The same of a process whose second thread begins there. */
static int32_t thread_run(void)
{
    handle_t process;
    int32_t status = -1;

    if (check_spawn("thread", NULL, 0, 0, &process) == SW_OK) {
        sw_process_wait(process, sw_clock_deadline(10 * SW_SECOND), &status);
        sw_handle_close(process);
    }
    return status;
}

static int begins_clean(void)
{
    int32_t process = process_run(first_of_process), thread = thread_run();

    if (process || thread)
        printf("first registers: status %d of a process, %d of a thread\n", (int)process,
               (int)thread);
    return !process && !thread;
}

int main(int argc, char **argv)
{
    handle_t thread;

    if (argc > 1 && !strcmp(argv[1], "thread")) {
        static uint64_t stack[64] __attribute__((aligned(16)));
        sw_thread_create((uintptr_t)first_of_thread, (uintptr_t)(stack + 64), 0, 0, &thread);
        sw_clock_sleep(SW_NEVER);
    }
    if (!begins_clean())
        return 1;

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
        if (general_changed())
            return 1;
        __atomic_fetch_add(&word, 1, __ATOMIC_RELAXED);
        const struct state before = { value & FPCR_BITS, value >> 8 & FPSR_BITS,
                                      value >> 16 & NZCV_BITS };
        struct state after = before;
        keep(got, &after);
        if (memcmp(&after, &before, sizeof after)) {
            printf("changed: FPCR %llx to %llx, FPSR %llx to %llx, flags %llx to %llx\n",
                   (unsigned long long)before.fpcr, (unsigned long long)after.fpcr,
                   (unsigned long long)before.fpsr, (unsigned long long)after.fpsr,
                   (unsigned long long)before.flags, (unsigned long long)after.flags);
            return 1;
        }
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
