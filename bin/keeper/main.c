/* keeper: the first process. Holds the root job, the bundle and the devices, starts init, and
 * starts it again whenever it ends.
 *
 * What must outlive init lives here or in the kept slots of init's job: keeper never calls
 * anyone, so nobody can hang it, and uses no heap. Its own death is a kernel panic.
 *
 * init never waits, so a call to it that waits for OVERDUE means that it hangs: keeper ends it. The
 * watch begins anew with each init, for calls wait through keeper's pauses, too. */
#include <stdbool.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/layout.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/spawn.h>
#include <swos/start.h>
#include <swos/status.h>

#include "bundle.h"

#define BAND_DRIVERS 2
#define BAND_SUPERVISOR 3
#define INIT_SCRIPT "bundle:lua/init.lua"
#define ARGUMENTS_MAX 16
/* Of deaths in a row the first ones cost no pause: without init nothing else that dies comes back. */
#define PAUSE_AFTER 3
#define PAUSE_FIRST (100 * SW_MILLISECOND)
#define PAUSE_LONGEST (10 * SW_SECOND)
/* After so long a new failure is a first one. Short: init has found and taken over what runs in
 * much less, and a pause is time in which nothing that dies comes back. */
#define LIVED_LONG (2 * SW_SECOND)
#define OVERDUE (5 * SW_SECOND)
#define CHANNEL_SLOT 0         /* of init's job: its channel (scripts/guest/init/kept.lua) */
#define CHANNEL_LOOK SW_SECOND /* until init has made it */

struct keeper {
    handle_t root, bundle, relocated, programs, init_job, services;
    handle_t port, channel; /* init's channel once it is watched, 0 before */
    struct sw_program init; /* the interpreter */
};

/* A line in the kernel log; sw_log needs a start handle that keeper is not given. */
static __attribute__((format(printf, 2, 3))) void report(uint32_t level, const char *format, ...)
{
    char line[160] = "keeper: ";
    size_t length = strlen(line);
    va_list arguments;

    va_start(arguments, format);
    length += sw_format_list(line + length, sizeof(line) - length, format, arguments);
    va_end(arguments);
    sw_log_write(sw_start_get("root"), level, line, (uint32_t)length);
}

/* One message, then nothing: without init there is no system, and keeper's end makes the kernel
 * say so. */
static __attribute__((noreturn)) void fail(const char *what, status_t status)
{
    report(SW_LOG_PANIC, "%s: %s", what, sw_status_text(status));
    sw_process_exit(1);
    __builtin_unreachable();
}

static void check(const char *what, status_t status)
{
    if (status != SW_OK) {
        fail(what, status);
    }
}

static uint64_t random_word(void)
{
    uint64_t word;

    check("random", sw_random(&word, sizeof(word)));
    return word;
}

/* Seals an object that was written through its mapping. */
static void finish(handle_t memory, void *mapped, size_t size)
{
    sw_mapping_unmap(mapped, size);
    check("seal", sw_memory_seal(memory));
}

/* Lays out every program of the bundle: fills keeper->relocated, ->programs and ->init. */
static void lay_out_programs(struct keeper *keeper)
{
    uint64_t bundle_size, committed, filled = 0;
    uint32_t sealed, entry_count, program_count = 0;
    size_t relocated_size = 0, programs_size = sizeof(struct programs_header);
    void *bundle, *relocated, *programs;
    const struct bundle_entry *entries;
    struct programs_header *header;
    struct programs_entry *program;
    bool found = false;

    check("bundle", sw_memory_info(keeper->bundle, &bundle_size, &committed, &sealed));
    check("bundle", sw_mapping_map(keeper->bundle, 0, bundle_size, SW_MAP_READ, &bundle));
    entries = bundle_entries(bundle, bundle_size, &entry_count);
    if (!entries) {
        fail("bundle", SW_BAD_IMAGE);
    }
    for (uint32_t i = 0; i < entry_count; i++) {
        if (entries[i].kind == BUNDLE_PROGRAM) {
            relocated_size += layout_relocated_pages(bundle, &entries[i]) * (size_t)SW_PAGE;
            programs_size += sizeof(*program);
        }
    }
    relocated_size += relocated_size == 0 ? SW_PAGE : 0;
    check("memory", sw_mapping_create(relocated_size, 0, &relocated, &keeper->relocated));
    check("memory", sw_mapping_create(programs_size, 0, &programs, &keeper->programs));
    header = programs;
    program = (void *)(header + 1);
    for (uint32_t i = 0; i < entry_count; i++) {
        const struct bundle_entry *entry = &entries[i];

        if (entry->kind != BUNDLE_PROGRAM || i == ((const struct bundle_header *)bundle)->keeper) {
            continue;
        }
        memcpy(program->name, entry->name, sizeof(program->name));
        memcpy(program->hash, entry->hash, sizeof(program->hash));
        check(entry->name,
              layout_program(bundle, entry, sw_layout_base(entry->span, random_word()),
                             (uint8_t *)relocated + filled, filled, &program->program));
        filled += layout_relocated_pages(bundle, entry) * (uint64_t)SW_PAGE;
        if (strcmp(entry->name, "lua") == 0) {
            keeper->init = program->program;
            found = true;
        }
        program++;
        program_count++;
    }
    memcpy(header->magic, PROGRAMS_MAGIC, sizeof(header->magic));
    header->version = PROGRAMS_VERSION;
    header->entry_count = program_count;
    finish(keeper->relocated, relocated, relocated_size);
    finish(keeper->programs, programs, programs_size);
    sw_mapping_unmap(bundle, bundle_size);
    if (!found) {
        fail("bundle: program lua", SW_NOT_FOUND);
    }
}

/* Starts init for the count-th time. Allocates nothing that its end does not give back. */
static status_t start_init(const struct keeper *keeper, unsigned count, handle_t *out_process)
{
    struct sw_spawn_handle handles[SW_SPAWN_HANDLES_MAX] = {
        { .name = "root", .handle = keeper->root, .rights = SW_RIGHTS_SAME },
        { .name = "job", .handle = keeper->init_job, .rights = SW_RIGHTS_SAME },
        { .name = "services", .handle = keeper->services, .rights = SW_RIGHTS_SAME },
        { .name = "log",
          .handle = keeper->root,
          .rights = SW_RIGHT_WRITE_LOG | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER },
        { .name = "bundle", .handle = keeper->bundle, .rights = SW_RIGHTS_SAME },
        { .name = "relocated", .handle = keeper->relocated, .rights = SW_RIGHTS_SAME },
        { .name = "programs", .handle = keeper->programs, .rights = SW_RIGHTS_SAME },
    };
    const char *arguments[ARGUMENTS_MAX + 1] = { "lua", INIT_SCRIPT };
    char starts[32];
    const char *environment[] = { starts, NULL };
    size_t handle_count = 7, argument_count = 2;
    const struct sw_start_handle *entry;
    const char *word;

    for (size_t i = 0; (entry = sw_start_handle_at(i)) && handle_count < SW_SPAWN_HANDLES_MAX;
         i++) {
        const char *name = sw_start_text(entry->offset);

        if (strncmp(name, "device/", strlen("device/")) == 0) {
            handles[handle_count++] = (struct sw_spawn_handle){ .name = name,
                                                                .handle = entry->handle,
                                                                .rights = SW_RIGHTS_SAME };
        }
    }
    for (size_t i = 1; (word = sw_start_argument(i)) && argument_count < ARGUMENTS_MAX; i++) {
        arguments[argument_count++] = word;
    }
    sw_format(starts, sizeof(starts), "INIT_STARTS=%u", count);
    const handle_t memory[4] = {
        [LAYOUT_BUNDLE] = keeper->bundle, [LAYOUT_RELOCATED] = keeper->relocated
    };
    const struct sw_spawn_options options = {
        .job = keeper->init_job,
        .arguments = arguments,
        .environment = environment,
        .handles = handles,
        .handle_count = handle_count,
        .bare = true,
        .band = BAND_SUPERVISOR,
        .name = "init",
    };
    return sw_spawn_loaded(&keeper->init, memory, &options, out_process, NULL);
}

/* Ends the processes the old init left in its job. Killing the job would end the job too, and what
 * it keeps with it. */
static void end_helpers(const struct keeper *keeper)
{
    struct sw_process_info infos[4];
    uint32_t first = 0, count = 0;
    handle_t process;

    while (sw_job_list(keeper->init_job, first, infos, sizeof(infos) / sizeof(infos[0]), &count) ==
               SW_OK &&
           count > 0) {
        for (uint32_t i = 0; i < count; i++) {
            first = infos[i].pid + 1;
            if (sw_job_find(keeper->init_job, infos[i].pid, &process) == SW_OK) {
                sw_process_kill(process, 137);
                sw_handle_close(process);
            }
        }
    }
}

enum { KEY_EXIT, KEY_OVERDUE };

/* What waits has OVERDUE from now on. */
static void watch_channel(const struct keeper *keeper)
{
    if (keeper->channel) {
        check("watch", sw_channel_watch(keeper->channel, OVERDUE, keeper->port, KEY_OVERDUE));
    }
}

static void find_channel(struct keeper *keeper)
{
    if (sw_job_kept(keeper->init_job, CHANNEL_SLOT, &keeper->channel) != SW_OK) {
        keeper->channel = 0;
    }
    watch_channel(keeper);
}

/* Waits for init's end, and brings it about when it hangs. Returns its status. */
static int32_t supervise(struct keeper *keeper, handle_t process)
{
    check("init", sw_port_bind(keeper->port, process, UINT64_MAX, KEY_EXIT));
    watch_channel(keeper);
    for (;;) {
        struct sw_wait wait = { 0 };

        if (!keeper->channel) {
            find_channel(keeper);
        }
        if (sw_port_wait(keeper->port, &wait,
                         keeper->channel ? SW_NEVER : sw_clock_deadline(CHANNEL_LOOK)) != SW_OK) {
            continue;
        }
        if (wait.event.key == KEY_EXIT) {
            sw_port_unbind(keeper->port, process);
            return (int32_t)wait.event.badge;
        }
        report(SW_LOG_ERROR, "init is overdue, ending it");
        sw_process_kill(process, 137);
    }
}

int main(void)
{
    const struct sw_limits supervisor = { .band = BAND_SUPERVISOR };
    const struct sw_limits drivers = { .band = BAND_DRIVERS };
    struct keeper keeper = { .root = sw_start_get("root"), .bundle = sw_start_get("bundle") };
    uint64_t pause = PAUSE_FIRST;
    unsigned in_a_row = 0;

    lay_out_programs(&keeper);
    check("job init", sw_job_create(keeper.root, &supervisor, &keeper.init_job));
    check("job services", sw_job_create(keeper.root, &drivers, &keeper.services));
    check("port", sw_port_create(&keeper.port));
    for (unsigned count = 0;; count++) {
        uint64_t started = sw_clock_monotonic();
        handle_t process;
        status_t status;

        sw_job_continue(keeper.init_job); /* the last one may have been stopped */
        status = start_init(&keeper, count, &process);
        if (status == SW_OK) {
            int32_t exit_status = supervise(&keeper, process);

            sw_handle_close(process);
            report(SW_LOG_ERROR, "init ended with status %d, starting it again", exit_status);
        } else {
            report(SW_LOG_ERROR, "init cannot be started: %s", sw_status_text(status));
        }
        end_helpers(&keeper);
        if (sw_clock_monotonic() - started > LIVED_LONG) {
            in_a_row = 0;
        }
        if (++in_a_row <= PAUSE_AFTER) {
            pause = PAUSE_FIRST;
            continue;
        }
        sw_clock_sleep(sw_clock_deadline(pause));
        pause = pause * 2 < PAUSE_LONGEST ? pause * 2 : PAUSE_LONGEST;
    }
}
