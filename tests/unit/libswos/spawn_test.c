/* The start block: what spawn.c lays out is what start.c finds. The system is mocked. */
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/spawn.h>
#include <swos/start.h>

static struct sw_spawn made;
static struct sw_transfer made_transfers[SW_SPAWN_HANDLES_MAX];
static void *made_block;
static int mappings;

static status_t sw_random(void *buffer, uint32_t length)
{
    memset(buffer, 0x5a, length);
    return SW_OK;
}

static status_t sw_process_create(handle_t job, const struct sw_spawn *spawn, uint32_t *out_process,
                                  uint32_t *out_pid)
{
    (void)out_pid;
    *out_process = 7;
    made = *spawn;
    memcpy(made_transfers, (const void *)(uintptr_t)spawn->transfers,
           spawn->transfer_count * sizeof(*made_transfers));
    free(made_block);
    made_block = malloc(spawn->start_length); /* exactly: reading past the end is seen */
    memcpy(made_block, (const void *)(uintptr_t)spawn->start, spawn->start_length);
    return job == 3 ? SW_OK : SW_BAD_HANDLE;
}

#include "spawn.c"

status_t sw_mapping_create(size_t size, uint32_t flags, void **out_address, handle_t *out_memory)
{
    (void)flags;
    (void)out_memory;
    *out_address = malloc(size);
    mappings++;
    return SW_OK;
}

void sw_mapping_unmap(const void *address, size_t size)
{
    (void)size;
    free((void *)address);
    mappings--;
}

static const struct sw_program program;
static const handle_t memory[4] = { 11, 12, 0, 0 };

static status_t spawn(const struct sw_spawn_options *options)
{
    static const struct sw_info_page info;
    handle_t process = 0;
    status_t status = sw_spawn_loaded(&program, memory, options, &process, NULL);
    if (status == SW_OK)
        sw_start_init(made_block, &info, 0);
    return status;
}

static void test_content(void)
{
    const char *arguments[] = { "/bin/long-name-that-does-not-fit-into-it", "", "two words", NULL };
    const char *environment[] = { "A=1", "B=", NULL };
    const struct sw_spawn_handle handles[] = {
        { .name = "fd/0", .info = SW_FD_NULL },
        { .name = "fd/1", .handle = 21, .info = SW_FD_PIPE },
        { .name = "names", .handle = 22, .rights = SW_RIGHT_CALL, .move = true },
    };
    const struct sw_spawn_path paths[] = { { "/", 31 }, { "/tmp", 32 } };
    struct sw_spawn_options options = {
        .job = 3,
        .arguments = arguments,
        .environment = environment,
        .handles = handles,
        .handle_count = 3,
        .paths = paths,
        .path_count = 2,
        .directory = "/tmp",
        .drop_caps = 4,
    };
    CHECK(spawn(&options) == SW_OK);
    CHECK(made.caps == ~4ull && made.memory[1] == 12 && made.program == (uintptr_t)&program);
    CHECK(strcmp((char *)made.name, "long-name-that-does-not-fit-int") == 0);
    CHECK(sw_start_block()->version == SW_START_VERSION);
    CHECK(sw_start_block()->length == made.start_length);
    CHECK(sw_start_block()->guard == 0x5a5a5a5a5a5a5a5a);
    CHECK(strcmp(sw_start_argument(0), arguments[0]) == 0);
    CHECK(strcmp(sw_start_argument(1), "") == 0);
    CHECK(strcmp(sw_start_argument(2), "two words") == 0 && !sw_start_argument(3));
    CHECK(strcmp(sw_start_environment(1), "B=") == 0 && !sw_start_environment(2));
    CHECK(sw_start_find("fd/0")->info == SW_FD_NULL && sw_start_get("fd/0") == 0);
    CHECK(sw_start_get("fd/1") == SW_START_HANDLE(0) && sw_start_find("fd/1")->info == SW_FD_PIPE);
    CHECK(sw_start_get("names") == SW_START_HANDLE(1));
    CHECK(!sw_start_find("name") && !sw_start_find("names2") && !sw_start_handle_at(3));
    CHECK(sw_start_path_at(0)->handle == SW_START_HANDLE(2));
    CHECK(strcmp(sw_start_text(sw_start_path_at(1)->offset), "/tmp") == 0 && !sw_start_path_at(2));
    CHECK(strcmp(sw_start_text(sw_start_block()->directory.offset), "/tmp") == 0);
    CHECK(made.transfer_count == 4 && made_transfers[0].handle == 21);
    CHECK(made_transfers[0].rights == SW_RIGHTS_SAME && made_transfers[0].flags == 0);
    CHECK(made_transfers[1].handle == 22 && made_transfers[1].flags == 1);
    CHECK(made_transfers[1].rights == SW_RIGHT_CALL && made_transfers[3].handle == 32);
}

static void test_nothing(void)
{
    struct sw_spawn_options options = { .job = 3 };
    CHECK(spawn(&options) == SW_OK && made.transfer_count == 0 && made.name[0] == 0);
    CHECK(!sw_start_argument(0) && !sw_start_environment(0) && !sw_start_handle_at(0));
    CHECK(strcmp(sw_start_text(sw_start_block()->directory.offset), "/") == 0);
    options.job = 4;
    CHECK(spawn(&options) == SW_BAD_HANDLE);
}

static void test_limits(void)
{
    static char text[300000];
    const char *arguments[] = { text, NULL };
    struct sw_spawn_handle handles[SW_SPAWN_HANDLES_MAX + 1];
    struct sw_spawn_options options = { .job = 3, .arguments = arguments, .handles = handles };
    memset(text, 'a', sizeof(text) - 1);
    CHECK(spawn(&options) == SW_ARGUMENTS_TOO_LONG);
    text[250000] = 0;
    CHECK(spawn(&options) == SW_OK && strlen(sw_start_argument(0)) == 250000 && mappings == 0);
    for (int i = 0; i <= SW_SPAWN_HANDLES_MAX; i++)
        handles[i] = (struct sw_spawn_handle){ .name = "h", .handle = 5 };
    options.handle_count = SW_SPAWN_HANDLES_MAX;
    CHECK(spawn(&options) == SW_OK && made.transfer_count == SW_SPAWN_HANDLES_MAX);
    options.handle_count++;
    CHECK(spawn(&options) == SW_TOO_LARGE);
}

int main(void)
{
    test_content();
    test_nothing();
    test_limits();
    free(made_block);
    return tap_done();
}
