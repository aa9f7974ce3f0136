/* Building a start block and creating a process from an open program.
 *
 * The block is laid out in two passes by the same code: the first, without memory, only counts. */
#include <string.h>
#include <swos/mapping.h>
#include <swos/spawn.h>

#define START_MAX (256u * 1024) /* the kernel takes no more */
#define START_SMALL 2048        /* blocks up to this are built on the stack */

struct builder {
    char *base; /* NULL: count only */
    size_t at;
};

static void *reserve(struct builder *builder, size_t size, uint32_t *out_offset)
{
    *out_offset = (uint32_t)builder->at;
    builder->at += size;
    return builder->base ? builder->base + *out_offset : NULL;
}

/* Length and place of a string, with its NUL, at the end of the block. */
static void put_string(struct builder *builder, const char *text, uint32_t *out_offset,
                       uint32_t *out_length)
{
    size_t length = strlen(text);
    char *place = reserve(builder, length + 1, out_offset);
    if (place)
        memcpy(place, text, length + 1);
    *out_length = (uint32_t)length;
}

static uint32_t list_length(const char *const *list)
{
    uint32_t count = 0;
    while (list && list[count])
        count++;
    return count;
}

static void put_strings(struct builder *builder, const char *const *list,
                        struct sw_start_string *table)
{
    for (uint32_t i = 0; list && list[i]; i++) {
        struct sw_start_string entry;
        put_string(builder, list[i], &entry.offset, &entry.length);
        if (table)
            table[i] = entry;
    }
}

/* Handle number i of the transfers goes to the entry that names it, in order. */
static void start_layout(struct builder *builder, const struct sw_spawn_options *options,
                         const uint8_t random[40])
{
    struct sw_start head = {
        .version = SW_START_VERSION,
        .argument_count = list_length(options->arguments),
        .environment_count = list_length(options->environment),
        .handle_count = (uint32_t)options->handle_count,
        .path_count = (uint32_t)options->path_count,
    };
    uint32_t ignored, transfer = 0;
    struct sw_start *start = reserve(builder, sizeof(head), &ignored);
    struct sw_start_string *arguments =
        reserve(builder, head.argument_count * sizeof(*arguments), &head.arguments);
    struct sw_start_string *environment =
        reserve(builder, head.environment_count * sizeof(*environment), &head.environment);
    struct sw_start_handle *handles =
        reserve(builder, head.handle_count * sizeof(*handles), &head.handles);
    struct sw_start_handle *paths = reserve(builder, head.path_count * sizeof(*paths), &head.paths);
    put_strings(builder, options->arguments, arguments);
    put_strings(builder, options->environment, environment);
    for (size_t i = 0; i < options->handle_count; i++) {
        struct sw_start_handle entry = { .info = options->handles[i].info };
        if (options->handles[i].handle)
            entry.handle = SW_START_HANDLE(transfer++);
        put_string(builder, options->handles[i].name, &entry.offset, &entry.length);
        if (handles)
            handles[i] = entry;
    }
    for (size_t i = 0; i < options->path_count; i++) {
        struct sw_start_handle entry = { .handle = SW_START_HANDLE(transfer++) };
        put_string(builder, options->paths[i].prefix, &entry.offset, &entry.length);
        if (paths)
            paths[i] = entry;
    }
    put_string(builder, options->directory ? options->directory : "/", &head.directory.offset,
               &head.directory.length);
    head.length = (uint32_t)builder->at;
    memcpy(&head.guard, random, sizeof(head.guard));
    memcpy(head.seed, random + sizeof(head.guard), sizeof(head.seed));
    if (start)
        *start = head;
}

static void name_fill(const struct sw_spawn_options *options, uint8_t out[32])
{
    const char *name = options->name;
    if (!name && options->arguments)
        name = options->arguments[0];
    const char *slash = name ? strrchr(name, '/') : NULL;
    if (slash)
        name = slash + 1;
    for (size_t i = 0; name && name[i] && i < 31; i++)
        out[i] = (uint8_t)name[i];
}

static status_t transfers_fill(const struct sw_spawn_options *options,
                               struct sw_transfer transfers[SW_SPAWN_HANDLES_MAX],
                               uint32_t *out_count)
{
    uint32_t count = 0;
    for (size_t i = 0; i < options->handle_count; i++) {
        if (!options->handles[i].handle)
            continue;
        if (count == SW_SPAWN_HANDLES_MAX)
            return SW_TOO_LARGE;
        uint32_t rights = options->handles[i].rights;
        transfers[count++] = (struct sw_transfer){ .handle = options->handles[i].handle,
                                                   .rights = rights ? rights : SW_RIGHTS_SAME,
                                                   .flags = options->handles[i].move };
    }
    for (size_t i = 0; i < options->path_count; i++) {
        if (count == SW_SPAWN_HANDLES_MAX)
            return SW_TOO_LARGE;
        transfers[count++] = (struct sw_transfer){ .handle = options->paths[i].connection,
                                                   .rights = SW_RIGHTS_SAME };
    }
    *out_count = count;
    return SW_OK;
}

status_t sw_spawn_loaded(const struct sw_program *program, const handle_t memory[4],
                         const struct sw_spawn_options *options, handle_t *out_process,
                         uint32_t *out_pid)
{
    struct sw_transfer transfers[SW_SPAWN_HANDLES_MAX];
    struct sw_spawn spawn = {
        .program = (uint64_t)(uintptr_t)program,
        .transfers = (uint64_t)(uintptr_t)transfers,
        .caps = ~options->drop_caps,
        .band = options->band,
    };
    memcpy(spawn.memory, memory, sizeof(spawn.memory));
    name_fill(options, spawn.name);
    uint8_t random[40];
    status_t status = transfers_fill(options, transfers, &spawn.transfer_count);
    if (status == SW_OK)
        status = sw_random(random, sizeof(random));
    if (status != SW_OK)
        return status;

    struct builder counter = { NULL, 0 };
    start_layout(&counter, options, random);
    if (counter.at > START_MAX)
        return SW_ARGUMENTS_TOO_LONG;
    _Alignas(16) char small[START_SMALL];
    void *block = small;
    if (counter.at > sizeof(small)) {
        status = sw_mapping_create(counter.at, 0, &block, NULL);
        if (status != SW_OK)
            return status;
    }
    struct builder builder = { block, 0 };
    start_layout(&builder, options, random);
    spawn.start = (uint64_t)(uintptr_t)block;
    spawn.start_length = (uint32_t)counter.at;
    status = sw_process_create(options->job, &spawn, out_process, out_pid);
    if (block != small)
        sw_mapping_unmap(block, counter.at);
    return status;
}
