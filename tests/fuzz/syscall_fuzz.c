/* The fuzzer's first process: starts the workers, troubles them, prints what came of it. See
 * fuzz.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/layout.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/thread.h>

#include "bundle.h"
#include "fuzz.h"

struct counts *counts;
handle_t authority;

void say(const char *format, ...)
{
    char line[160];
    va_list arguments;

    va_start(arguments, format);
    size_t length = sw_format_list(line, sizeof line, format, arguments);
    va_end(arguments);
    if (authority) /* BUSY: a worker has claimed the serial line for a moment */
        while (sw_early_write(authority, line, (uint32_t)length) == SW_BUSY)
            sw_thread_yield();
    else
        fwrite(line, 1, length, stdout);
}

static handle_t shared[SHARED];
static uint32_t shared_count;

static void share(handle_t handle)
{
    if (handle && shared_count < SHARED)
        shared[shared_count++] = handle;
}

static void make_shared(handle_t job)
{
    handle_t first, second;

    for (int i = 0; i < 2; i++) {
        if (sw_channel_create(&first) == SW_OK) {
            share(first);
            if (sw_connection_create(first, 77, &second) == SW_OK)
                share(second);
        }
        if (sw_memory_create(16 * SW_PAGE, 0, &first) == SW_OK)
            share(first);
        if (sw_pipe_create(SW_PAGE, 0, &first, &second) == SW_OK) {
            share(first);
            share(second);
        }
        if (sw_event_create(&first) == SW_OK)
            share(first);
        if (sw_job_create(job, &(struct sw_limits){ .processes = 20 }, &first) == SW_OK)
            share(first);
    }
    if (!authority)
        return;
    share(authority);
    const struct sw_start_handle *entry;
    for (size_t i = 0, devices = 0; (entry = sw_start_handle_at(i)); i++) {
        struct sw_device_info info;

        if (strncmp(sw_start_text(entry->offset), "device/", 7) != 0 ||
            sw_device_info(entry->handle, &info) != SW_OK)
            continue;
        if (info.kind == SW_DEVICE_UART)
            uart = entry->handle;
        if (devices < 6 && ((info.kind == SW_DEVICE_VIRTIO_MMIO && info.virtio_id == 0) ||
                            info.kind == SW_DEVICE_RTC)) {
            share(entry->handle);
            devices++;
        }
    }
}

static void close_shared(void)
{
    while (shared_count > 0) {
        handle_t handle = shared[--shared_count];
        struct result info = invoke(SW_SYS_HANDLE_INFO, (const uint64_t[8]){ handle });

        if (info.out[0] == SW_TYPE_JOB && handle != authority)
            sw_job_kill(handle, 1);
        if (info.out[0] == SW_TYPE_DEVICE)
            sw_device_reset(handle); /* what the workers have pinned outlives them */
        else if (handle != authority)
            sw_handle_close(handle);
    }
}

/* What a machine of its own is made of. */
static struct sw_program self;
static handle_t bundle_memory, relocated_memory, tiny_program;

static status_t start_worker(handle_t job, handle_t memory, uint64_t seed, const char *steps,
                             uint32_t place, handle_t *out_process)
{
    struct sw_spawn_handle handles[SHARED + 7] = {
        { .name = "counts", .handle = memory, .rights = SW_RIGHTS_SAME }
    };
    static char names[SHARED][16];
    char number[24], worker_place[8];
    const char *arguments[] = { "syscall_fuzz", "worker", number, steps, worker_place, NULL };
    struct sw_spawn_options options = {
        .job = job, .arguments = arguments, .handles = handles, .handle_count = 1 + shared_count
    };

    sw_format(number, sizeof number, "%llu", (unsigned long long)seed);
    sw_format(worker_place, sizeof worker_place, "%u", (unsigned)place);
    for (uint32_t i = 0; i < shared_count; i++) {
        sw_format(names[i], sizeof names[i], "shared/%u", (unsigned)i);
        handles[1 + i] = (struct sw_spawn_handle){ .name = names[i],
                                                   .handle = shared[i],
                                                   .rights = SW_RIGHTS_SAME };
    }
    if (!authority)
        return sw_spawn_program(sw_start_argument(0), &options, out_process, NULL);
    struct sw_spawn_handle *more = handles + options.handle_count;
    more[0] = (struct sw_spawn_handle){ .name = "root", .handle = authority };
    more[1] = (struct sw_spawn_handle){ .name = "job", .handle = job };
    more[2] = (struct sw_spawn_handle){ .name = "bundle", .handle = bundle_memory };
    more[3] = (struct sw_spawn_handle){ .name = "relocated", .handle = relocated_memory };
    more[4] = (struct sw_spawn_handle){ .name = "tiny", .handle = tiny_program };
    more[5] = (struct sw_spawn_handle){ .name = "uart", .handle = uart };
    for (int i = 0; i < 6; i++)
        more[i].rights = SW_RIGHTS_SAME;
    options.handle_count += uart ? 6 : 5;
    options.bare = true;
    const handle_t image[4] = {
        [LAYOUT_BUNDLE] = bundle_memory, [LAYOUT_RELOCATED] = relocated_memory
    };
    return sw_spawn_loaded(&self, image, &options, out_process, NULL);
}

static const struct sw_limits worker_limits = {
    .memory = 24 << 20, .handles = 600, .threads = 60, .processes = 40, .calls = 60
};

static handle_t pieces[4096];
static uint32_t piece_count;

/* Takes every free page of the machine, and all room for small objects in pages used in part. */
static void pages_take(void)
{
    uint64_t size = 1 << 20;

    while (piece_count < LENGTH(pieces) && size >= SW_PAGE) {
        if (sw_memory_create(size, SW_MEMORY_COMMIT, &pieces[piece_count]) == SW_OK)
            piece_count++;
        else
            size /= 4;
    }
    while (piece_count < LENGTH(pieces) && sw_event_create(&pieces[piece_count]) == SW_OK)
        piece_count++;
}

static void pages_give_back(void)
{
    while (piece_count > 0)
        sw_handle_close(pieces[--piece_count]);
}

/* This process's handle table grows to what take_all_memory may need, and stays so. */
static void grow_table(void)
{
    while (piece_count < LENGTH(pieces) && sw_event_create(&pieces[piece_count]) == SW_OK)
        piece_count++;
    pages_give_back();
}

/* For a moment the machine has no free page. */
static void take_all_memory(void)
{
    pages_take();
    sw_clock_sleep(sw_clock_deadline(100 * SW_MILLISECOND));
    pages_give_back();
}

/* A worker wants that there is no free page, until it has used up what else there is. */
static void lend_all_memory(void)
{
    uint64_t until = sw_clock_deadline(500 * SW_MILLISECOND);
    uint32_t state = PAGES_WANTED;

    if (atomic_load(&counts->pages) != PAGES_WANTED)
        return;
    pages_take();
    if (atomic_compare_exchange_strong(&counts->pages, &state, PAGES_TAKEN)) {
        while (atomic_load(&counts->pages) == PAGES_TAKEN && sw_clock_monotonic() < until) {
            sw_clock_sleep(sw_clock_deadline(SW_MILLISECOND));
            pages_take(); /* what others gave back meanwhile */
        }
        atomic_store(&counts->pages, PAGES_FREE);
    }
    pages_give_back();
}

/* For a moment the job may take nothing more of one thing. */
static void tighten(handle_t job)
{
    struct sw_limits limits = worker_limits;
    struct sw_job_info info;

    if (sw_job_info(job, &info) != SW_OK)
        return;
    switch (below(authority ? 6 : 5)) {
    case 0:
        limits.memory = info.memory_used;
        break;
    case 1:
        limits.handles = info.handles;
        break;
    case 2:
        limits.threads = info.threads;
        break;
    case 3:
        limits.processes = info.processes;
        break;
    case 4:
        limits.calls = info.calls ? info.calls : 1;
        break;
    default:
        take_all_memory();
        return;
    }
    sw_job_limit(job, &limits);
    sw_clock_sleep(sw_clock_deadline(20 * SW_MILLISECOND));
    sw_job_limit(job, &worker_limits);
}

/* The first touch of the caller's own memory may find no page. */
static bool touches_memory(const struct grammar_call *call)
{
    for (uint32_t i = 0; i < call->argument_count; i++) {
        if (call->arguments[i].kind >= IN || call->arguments[i].role == ROLE_word)
            return true;
    }
    return false;
}

static void print_counts(void)
{
    for (size_t call = 0; call < GRAMMAR_CALLS; call++) {
        for (size_t error = 0; error < GRAMMAR_ERRORS; error++) {
            uint32_t count = atomic_load(&counts->count[call][error]);
            bool documented = error == 0;

            for (uint32_t i = 0; i < grammar[call].error_count; i++)
                documented = documented || grammar[call].errors[i] == error;
            const char *kind = documented ? "call" : "other";
            if (!documented && error == -SW_NO_MEMORY && touches_memory(&grammar[call]))
                kind = "touch";
            if (count || documented)
                say("%s %s %s %u\n", kind, grammar[call].name, grammar_errors[error],
                    (unsigned)count);
        }
    }
}

/* Starts the workers, troubles them until all have made their steps, and ends what is left. */
static bool run_workers(uint64_t seed, const char *steps, handle_t parent, handle_t memory)
{
    handle_t job, jobs[WORKERS] = { 0 }, processes[WORKERS] = { 0 };
    uint32_t running = 0, started = 0;
    bool ok = true;

    atomic_store(&counts->steps, 0);
    atomic_store(&counts->pages, PAGES_FREE);
    if (sw_job_create(parent, &(struct sw_limits){ 0 }, &job) != SW_OK)
        return false;
    make_shared(job);
    for (int i = 0; ok && i < WORKERS; i++) {
        ok = sw_job_create(job, &worker_limits, &jobs[i]) == SW_OK &&
             start_worker(jobs[i], memory, seed * 1000 + started++, steps, (uint32_t)i,
                          &processes[i]) == SW_OK;
        running += ok;
    }
    while (ok && running > 0) {
        uint32_t i = below(WORKERS);
        int32_t status;

        sw_clock_sleep(sw_clock_deadline(10 * SW_MILLISECOND));
        lend_all_memory();
        if (!processes[i])
            continue;
        if (sw_process_wait(processes[i], 0, &status) == SW_OK) {
            sw_handle_close(processes[i]);
            processes[i] = 0;
            running--;
            /* It died, by a fault of its own or an interrupt: another takes its place. */
            if (status != 0) {
                atomic_fetch_add(&counts->deaths, 1);
                sw_job_kill(jobs[i], 1);
                sw_handle_close(jobs[i]);
                jobs[i] = 0;
                if (started < 400 && sw_job_create(job, &worker_limits, &jobs[i]) == SW_OK &&
                    start_worker(jobs[i], memory, seed * 1000 + started++, steps, i,
                                 &processes[i]) == SW_OK)
                    running++;
            }
            continue;
        }
        if (chance(30))
            tighten(jobs[i]);
        else if (chance(20))
            sw_job_interrupt(jobs[i], SW_INTERRUPT_INT, &(uint32_t){ 0 });
        else if (chance(10)) {
            sw_job_stop(jobs[i]);
            sw_job_continue(jobs[i]);
        }
    }
    sw_job_kill(job, 1);
    close_shared();
    for (int i = 0; i < WORKERS; i++) {
        if (jobs[i])
            sw_handle_close(jobs[i]);
        if (processes[i])
            sw_handle_close(processes[i]);
    }
    sw_handle_close(job);
    say("fuzz %s: seed %llu, %u workers, %u deaths\n", ok ? "done" : "did not start",
        (unsigned long long)seed, (unsigned)started, (unsigned)atomic_load(&counts->deaths));
    return ok;
}

/* Lays out the bundle's programs `syscall_fuzz` and `tiny`, as keeper does. */
static bool lay_out(void)
{
    uint64_t size, committed, done;
    uint32_t sealed, count;
    void *bundle, *relocated;
    size_t pages = 0, filled = 0;
    struct sw_program small;

    bundle_memory = sw_start_get("bundle");
    if (sw_memory_info(bundle_memory, &size, &committed, &sealed) != SW_OK ||
        sw_mapping_map(bundle_memory, 0, size, SW_MAP_READ, &bundle) != SW_OK)
        return false;
    const struct bundle_entry *entries = bundle_entries(bundle, size, &count);
    for (uint32_t i = 0; entries && i < count; i++)
        pages += layout_relocated_pages(bundle, &entries[i]);
    if (!entries || sw_mapping_create(pages * SW_PAGE, 0, &relocated, &relocated_memory) != SW_OK)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = 0;
        struct sw_program *program = strcmp(entries[i].name, "tiny") == 0 ? &small : &self;

        if (strcmp(entries[i].name, "keeper") == 0)
            continue;
        sw_random(&word, sizeof word);
        if (layout_program(bundle, &entries[i], sw_layout_base(entries[i].span, word),
                           (uint8_t *)relocated + filled, filled, program) != SW_OK)
            return false;
        filled += layout_relocated_pages(bundle, &entries[i]) * (size_t)SW_PAGE;
    }
    sw_mapping_unmap(relocated, pages * SW_PAGE);
    sw_mapping_unmap(bundle, size);
    return sw_memory_seal(relocated_memory) == SW_OK &&
           sw_memory_create(sizeof small, 0, &tiny_program) == SW_OK &&
           sw_memory_write(tiny_program, 0, &small, sizeof small, &done) == SW_OK;
}

struct state {
    uint64_t pages, handles, objects;
};

static struct state measure(void)
{
    struct sw_system_info info = { 0 };
    struct state state = { 0 };

    sw_system_info(&info);
    state.pages = info.ram_free / SW_PAGE;
    state.handles = info.handles;
    for (size_t i = 0; i < LENGTH(info.objects); i++)
        state.objects += info.objects[i];
    return state;
}

/* The state once it has stood still for half a second: what was killed takes a moment to go. */
static struct state settled(void)
{
    struct state last = measure();

    for (int same = 0, tries = 0; same < 5 && tries < 100; tries++) {
        sw_clock_sleep(sw_clock_deadline(100 * SW_MILLISECOND));
        struct state now = measure();
        same = memcmp(&last, &now, sizeof now) == 0 ? same + 1 : 0;
        last = now;
    }
    return last;
}

static const char *option(const char *name, const char *otherwise)
{
    const char *word;

    for (size_t i = 0; (word = sw_start_argument(i)); i++) {
        if (strncmp(word, name, strlen(name)) == 0)
            return word + strlen(name);
    }
    return otherwise;
}

static int machine(handle_t memory)
{
    uint64_t seed = strtoull(option("init.seed=", "1"), NULL, 10);
    const char *steps = option("init.steps=", "100000");

    random_state = seed + 1;
    handle_t crashing;
    int32_t status;

    /* A first, short round takes what is only taken once. */
    grow_table();
    take_all_memory();
    if (!lay_out() || !run_workers(seed + 1, "2000", authority, memory))
        say("fuzz cannot start\n");
    if (start_worker(authority, memory, 0, "0", 0, &crashing) == SW_OK) {
        sw_process_wait(crashing, SW_NEVER, &status);
        sw_handle_close(crashing);
    }
    struct state before = settled();
    run_workers(seed, steps, authority, memory);
    print_counts();
    struct state after = settled();
    say("fuzz leak: pages %llu -> %llu, handles %llu -> %llu, objects %llu -> %llu\n",
        (unsigned long long)before.pages, (unsigned long long)after.pages,
        (unsigned long long)before.handles, (unsigned long long)after.handles,
        (unsigned long long)before.objects, (unsigned long long)after.objects);
    say("fuzz ends: %s\n", memcmp(&before, &after, sizeof before) == 0 ? "clean" : "LEAK");
    sw_power(authority, SW_POWER_OFF);
    sw_clock_sleep(SW_NEVER);
    return 0;
}

int main(int argc, char **argv)
{
    handle_t memory;
    void *address;

    if (argc == 5 && !strcmp(argv[1], "worker"))
        return worker(strtoull(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10),
                      (uint32_t)strtoul(argv[4], NULL, 10));
    authority = sw_start_get("root");
    if (sw_mapping_create(sw_page_round(sizeof *counts), SW_MEMORY_COMMIT, &address, &memory) !=
        SW_OK)
        return 1;
    counts = address;
    if (authority)
        return machine(memory);
    if (argc != 3) {
        say("usage: syscall_fuzz SEED STEPS\n");
        return 2;
    }
    random_state = strtoull(argv[1], NULL, 10) + 1;
    bool ok = run_workers(strtoull(argv[1], NULL, 10), argv[2], sw_start_get("job"), memory);
    print_counts();
    return !ok;
}
