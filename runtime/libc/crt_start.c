/* From the first instruction to main: thread-local storage, stack guard, arguments, constructors.
 *
 * TLS of the first thread, the strings of arguments and environment (main and setenv may change them) and
 * the arrays argv and environ lie at the top of the stack, in pages that are touched anyway. */
#include <stdlib.h>
#include <string.h>
#include <swos/start.h>
#include <swos/thread.h>
#include <unistd.h>

#define START_REFUSED 127 /* exit status: start block or system of another version */

typedef void (*hook)(void);
extern const hook __preinit_array_start[], __preinit_array_end[];
extern const hook __init_array_start[], __init_array_end[];
extern const hook __fini_array_start[], __fini_array_end[];

extern int main(int argc, char **argv, char **environment);

/* What the compiler's stack protector compares with; filled before the first function that does. */
uintptr_t __stack_chk_guard;

_Noreturn void __stack_chk_fail(void);
_Noreturn void crt_start(const struct sw_start *start, const struct sw_info_page *info,
                         uintptr_t heap);

/* Nothing of the frame can be believed any more: fault, so that the kernel records a crash. */
_Noreturn void __stack_chk_fail(void)
{
    __builtin_trap();
}

static void run(const hook *from, const hook *to)
{
    while (from < to)
        (*from++)();
}

static void run_destructors(void)
{
    for (const hook *at = __fini_array_end; at > __fini_array_start;)
        (*--at)();
}

__attribute__((no_stack_protector)) _Noreturn void
crt_start(const struct sw_start *start, const struct sw_info_page *info, uintptr_t heap)
{
    if (start->version != SW_START_VERSION || SW_ABI_VERSION < info->abi_low ||
        SW_ABI_VERSION > info->abi_high)
        for (;;)
            sw_process_exit(START_REFUSED);
    __stack_chk_guard = (uintptr_t)start->guard;
    uintptr_t pointer = sw_tls_init(__builtin_alloca_with_align(sw_tls_size(), 64 * 8));
    __asm__ volatile("msr tpidr_el0, %0" : : "r"(pointer) : "memory");
    sw_start_init(start, info, heap);

    size_t argc = start->argument_count, envc = start->environment_count, bytes = 0;
    for (size_t i = 0; i < argc; i++)
        bytes += strlen(sw_start_argument(i)) + 1;
    for (size_t i = 0; i < envc; i++)
        bytes += strlen(sw_start_environment(i)) + 1;
    char **argv = __builtin_alloca((argc + envc + 2) * sizeof(*argv));
    char *strings = __builtin_alloca(bytes);
    for (size_t i = 0; i < argc; i++) {
        argv[i] = strings;
        strings = stpcpy(strings, sw_start_argument(i)) + 1;
    }
    argv[argc] = NULL;
    environ = argv + argc + 1;
    for (size_t i = 0; i < envc; i++) {
        environ[i] = strings;
        strings = stpcpy(strings, sw_start_environment(i)) + 1;
    }
    environ[envc] = NULL;

    run(__preinit_array_start, __preinit_array_end);
    run(__init_array_start, __init_array_end);
    if (&__fini_array_end[0] != &__fini_array_start[0])
        atexit(run_destructors);
    exit(main((int)argc, argv, environ));
}
