/* From the first C function on final page tables to the first thread: everything the kernel sets up
 * once, in the order of what needs what. */
#include "device.h"
#include "log.h"
#include "machine.h"
#include "process.h"

#define JITTER_LIMIT 100000000ull /* ns */
#define JITTER_SAMPLES 512
#define LOADER_SIZE 0x200000ull
#define CPU_LIMIT 3000000000ull /* ns a CPU may take to come until that is reported */

extern char kernel_start[], kernel_end[];
/* The compiler makes references to these after it has decided what is not used. */
__attribute__((used)) uintptr_t __stack_chk_guard;
__attribute__((used)) _Noreturn void __stack_chk_fail(void);
_Noreturn void kernel_main(void);

struct sw_info_page *info_page;
paddr_t info_page_address;
struct memory *info_page_memory;
uint64_t reserved_bytes, kernel_image_bytes;
const char *init_arguments[32];
uint32_t init_argument_count;

static struct {
    bool seed_given, pmu;
    uint64_t seed;
    const char *unknown[8]; /* reported once the log level is known */
    uint32_t unknown_count;
} options;

void __stack_chk_fail(void)
{
    panic("kernel stack buffer overrun");
}

/* --- command line --- */

/* The value of a `key=value` word; NULL: another key. */
static const char *option_value(const char *word, const char *key)
{
    size_t length = strlen(key);
    return strlen(word) > length && memcmp(word, key, length) == 0 ? word + length : NULL;
}

static bool parse_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *out = value;
    return true;
}

static bool parse_level(const char *text, size_t length, uint32_t *out)
{
    static const char *const names[] = { "debug", "info", "warning", "error" };
    for (uint32_t i = 0; i < ARRAY_COUNT(names); i++)
        if (length == strlen(names[i]) && memcmp(text, names[i], length) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* LEVEL or SOURCE=LEVEL, several with commas between them. */
static bool parse_log_levels(const char *text)
{
    for (;;) {
        size_t length = 0, source = 0;
        while (text[length] && text[length] != ',') {
            if (text[length] == '=')
                source = length;
            length++;
        }
        const char *name = source ? text + source + 1 : text;
        uint32_t level;
        if (!parse_level(name, (size_t)(text + length - name), &level) ||
            log_filter_set(text, source, level) != SW_OK)
            return false;
        if (!text[length])
            return true;
        text += length + 1;
    }
}

static bool option_take(const char *word)
{
    const char *value;
    if ((value = option_value(word, "swos.seed=")))
        return options.seed_given = parse_number(value, &options.seed);
#ifdef SW_DEBUG
    if ((value = option_value(word, "swos.idle=")))
        return debug_idle_polls = strlen(value) == 4 && memcmp(value, "poll", 4) == 0;
#endif
    if ((value = option_value(word, "swos.pmu="))) {
        options.pmu = value[0] == '1' && !value[1];
        return options.pmu || (value[0] == '0' && !value[1]);
    }
    if ((value = option_value(word, "swos.loglevel=")))
        return parse_log_levels(value);
    if (!option_value(word, "init.") || init_argument_count == ARRAY_COUNT(init_arguments))
        return false;
    init_arguments[init_argument_count++] = word;
    return true;
}

/* Cuts the command line into words in place; keeper's stay where they are. */
static void options_read(char *at)
{
    while (*at) {
        if (*at == ' ' || *at == '\t' || *at == '\n') {
            at++;
            continue;
        }
        const char *word = at;
        while (*at && *at != ' ' && *at != '\t' && *at != '\n')
            at++;
        if (*at)
            *at++ = 0;
        if (!option_take(word) && options.unknown_count < ARRAY_COUNT(options.unknown))
            options.unknown[options.unknown_count++] = word;
    }
}

/* --- memory --- */

/* Gives a range without its reserved parts to the page allocator. */
static void range_free(paddr_t start, paddr_t end)
{
    for (uint32_t i = 0; i < machine.reserved_count; i++) {
        const struct memory_range *hole = &machine.reserved[i];
        if (hole->start < end && hole->end > start) {
            range_free(start, hole->start);
            range_free(hole->end, end);
            return;
        }
    }
    page_init(start, end);
}

/* The same place after each reset: high in the first range where nothing else is, but not at its
 * very end, where loaders put their things again and again. */
static paddr_t crash_ring_place(void)
{
    const struct memory_range *range = &machine.ram[0];
    paddr_t end = (range->end - LOADER_SIZE) / PAGE_SIZE * PAGE_SIZE;
    for (uint32_t i = 0; i < machine.reserved_count; i++) {
        const struct memory_range *hole = &machine.reserved[i];
        if (end > hole->start && end - CRASH_RING_SIZE < hole->end && hole->start > range->start) {
            end = hole->start / PAGE_SIZE * PAGE_SIZE;
            i = UINT32_MAX; /* from the first one again */
        }
    }
    return end - CRASH_RING_SIZE;
}

static uint64_t memory_init(void)
{
    uint64_t total = 0;
    paddr_t ring = crash_ring_place();
    machine.reserved[machine.reserved_count++] =
        (struct memory_range){ ring, ring + CRASH_RING_SIZE };
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        total += machine.ram[i].end - machine.ram[i].start;
        range_free(machine.ram[i].start, machine.ram[i].end);
    }
    kernel_image_bytes = (uint64_t)(kernel_end - kernel_start);
    reserved_bytes = total - page_total * PAGE_SIZE - kernel_image_bytes;
    return total;
}

static void info_page_init(uint64_t ram)
{
    info_page_address = page_allocate_zero();
    if (!info_page_address)
        panic("no RAM");
    info_page = page_pointer(info_page_address);
    *info_page = (struct sw_info_page){
        .version = SW_INFO_VERSION,
        .cpu_count = 1,
        .ram_bytes = ram,
        .abi_low = SW_ABI_LOW,
        .abi_high = SW_ABI_VERSION,
        .features = arch_features() | (options.pmu ? SW_FEATURE_PMU : 0),
    };
}

/* Readers take the offset between two equal, even values of the sequence. */
void info_page_set_wall(uint64_t wall_ns)
{
    int64_t offset = (int64_t)(wall_ns - arch_now());
    uint64_t sequence = info_page->wall_sequence;
    __atomic_store_n(&info_page->wall_sequence, sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE); /* pairs with the reader's first acquire */
    __atomic_store_n(&info_page->wall_offset, offset, __ATOMIC_RELAXED);
    __atomic_store_n(&info_page->wall_sequence, sequence + 2, __ATOMIC_RELEASE);
}

static void wall_clock_init(void)
{
    for (uint32_t i = 0; i < device_count; i++)
        if (devices[i]->kind == SW_DEVICE_RTC && devices[i]->registers) {
            uint64_t seconds = arch_register_read(devices[i]->registers, 4); /* RTCDR */
            info_page_set_wall(seconds * 1000000000ull);
            return;
        }
    log_warning("time", "no clock chip; the wall clock starts at 1970");
}

/* --- random numbers --- */

/* How long a step takes on a machine that does other things too: the low bits of 512 times. */
static void jitter_gather(void)
{
    uint64_t limit = arch_now() + JITTER_LIMIT, last = arch_now();
    uint8_t samples[32];
    for (uint32_t i = 0; i < JITTER_SAMPLES && last < limit; i++) {
        uint64_t now, spins = 0;
        do {
            now = arch_now();
            spins++;
        } while (now == last && spins < 100000);
        samples[i % sizeof samples] =
            (uint8_t)(samples[i % sizeof samples] * 5 + (now - last) + spins);
        last = now;
        if (i % sizeof samples == sizeof samples - 1)
            random_mix(samples, sizeof samples);
    }
}

static void seed_init(void)
{
    if (options.seed_given) {
        random_init(&options.seed, sizeof options.seed, true);
        info_page->random_state = RANDOM_FIXED;
        log_warning("random", "INSECURE: fixed seed %lu", options.seed);
    } else {
        uint64_t now = arch_now();
        random_init(machine.seed, machine.seed_length, false);
        random_mix(&now, sizeof now);
        if (machine.seed_length < SEED_ENOUGH) {
            jitter_gather();
            info_page->random_state = RANDOM_WEAK;
            log_warning("random", "weak seed");
        }
    }
    memset(machine.seed, 0, sizeof machine.seed);
}

/* --- the other CPUs --- */

static struct timer cpus_timer;
static uint32_t cpus_awaited;

static void cpus_late(struct timer *timer)
{
    (void)timer;
    for (uint32_t i = 0; i < info_page->cpu_count; i++)
        if (!cpus[i].online)
            log_error("smp", "cpu %u was started, and has not come in %lu ms", i,
                      (unsigned long)(CPU_LIMIT / 1000000));
}

/* Nobody waits for the others: each takes part from when it comes. */
static void cpus_start(void)
{
    uint32_t count = arch_cpus_start();
    info_page->cpu_count = count;
    log_info("smp", "%u CPUs", count);
    cpus[0].online = true;
    cpus_awaited = count - 1;
    if (cpus_awaited)
        timer_set(&cpus_timer, arch_now() + CPU_LIMIT, cpus_late);
}

void cpu_arrived(struct cpu *cpu)
{
    cpu->online = true;
    if (--cpus_awaited == 0)
        timer_cancel(&cpus_timer);
    if (arch_since_boot() > CPU_LIMIT)
        log_info("smp", "cpu %u comes late", cpu->number);
}

/* On the boot CPU's own stack and the final page tables; interrupts are masked. Never returns, so
 * it may change the stack protector's value. */
void kernel_main(void)
{
    arch_init();
    lock_take();
    options_read(machine.arguments);
    uint64_t ram = memory_init();
    info_page_init(ram);
    arch_init_clock();
    log_info("kernel", "swos, ABI %u to %u, %lu KiB of RAM, %lu free", SW_ABI_LOW, SW_ABI_VERSION,
             (unsigned long)(ram / 1024), (unsigned long)(page_free_count * PAGE_SIZE / 1024));
    for (uint32_t i = 0; i < options.unknown_count; i++)
        log_warning("kernel", "command line: %s is not known", options.unknown[i]);
    crash_init(machine.reserved[machine.reserved_count - 1].start);
    seed_init();
    __stack_chk_guard = random_u64() & ~0xffull;

    debug_pauses_init();
    job_init();
    sched_init();
    if (memory_create_fixed(job_root, info_page_address, 1, false, &info_page_memory) != SW_OK)
        panic("no memory for the information page");
    device_init();
    wall_clock_init();
    cpus_start();

    process_start_keeper();
    struct thread *thread = sched_exit();
    lock_release();
    arch_resume(thread);
}
