/* Starting a program or script by its path, with descriptors and what a child usually gets. */
#include "open_file.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/path.h>
#include <swos/spawn.h>
#include <swos/start.h>

#define FIRST_LINE_MAX 256
#define FORM_PROGRAM 1 /* sw_file_open_program: reply.form */
#define FORM_SCRIPT 2

/* An open program and, when a script was asked for, what its first line says. */
struct target {
    struct sw_program program;
    handle_t memory[4];
    handle_t script; /* text of an image's script; 0: none */
    uint32_t script_size;
    int is_script;
    char line[FIRST_LINE_MAX];          /* interpreter, NUL, argument */
    const char *interpreter, *argument; /* into line; argument may be NULL */
};

static void memory_close(struct target *target)
{
    for (int i = 0; i < 4; i++)
        if (target->memory[i])
            sw_handle_close(target->memory[i]);
    memset(target->memory, 0, sizeof(target->memory));
}

static void target_close(struct target *target)
{
    memory_close(target);
    if (target->script)
        sw_handle_close(target->script);
}

/* Splits "#!interpreter [argument]" in target->line, which holds `length` bytes of the text. */
static status_t line_split(struct target *target, size_t length)
{
    char *line = target->line;
    if (length < 2 || line[0] != '#' || line[1] != '!')
        return SW_BAD_IMAGE;
    char *end = memchr(line, '\n', length);
    if (!end)
        return SW_BAD_IMAGE; /* no line end: too long to be meant */
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    *end = 0;
    char *start = line + 2;
    start += strspn(start, " \t");
    if (!*start)
        return SW_BAD_IMAGE;
    target->interpreter = start;
    start += strcspn(start, " \t");
    if (*start) {
        *start++ = 0;
        target->argument = start + strspn(start, " \t");
    }
    target->is_script = 1;
    return SW_OK;
}

/* A script of an image: its text may be mapped, not copied out. */
static status_t image_script(struct target *target, handle_t text, uint64_t size)
{
    if (size > UINT32_MAX)
        return SW_TOO_LARGE;
    void *view;
    status_t status = sw_mapping_map(text, 0, SW_PAGE, SW_MAP_READ, &view);
    if (status != SW_OK)
        return status;
    size_t length = size < FIRST_LINE_MAX ? (size_t)size : FIRST_LINE_MAX;
    memcpy(target->line, view, length);
    sw_mapping_unmap(view, SW_PAGE);
    target->script = text;
    target->script_size = (uint32_t)size;
    return line_split(target, length);
}

/* A script elsewhere is read like any file, which its interpreter will do again. */
static status_t file_script(struct target *target, const struct sw_place *place)
{
    int fd;
    struct sw_attributes attributes;
    size_t length = 0;
    status_t status = sw_fd_open(place->absolute, SW_OPEN_READ, 0, &fd);
    if (status != SW_OK)
        return status;
    status = sw_fd_attributes(fd, &attributes);
    if (status == SW_OK && attributes.kind == SW_FILE_DIRECTORY)
        status = SW_IS_DIRECTORY;
    if (status == SW_OK && (attributes.kind != SW_FILE_REGULAR || !(attributes.mode & 0111)))
        status = SW_ACCESS;
    if (status == SW_OK)
        status = sw_fd_read_at(fd, target->line, FIRST_LINE_MAX, 0, &length);
    sw_fd_close(fd);
    return status == SW_OK ? line_split(target, length) : status;
}

static status_t open_program(const struct sw_place *place, struct target *target,
                             uint32_t *out_form, uint64_t *out_size)
{
    struct sw_file_open_program_reply reply;
    if (!place->connection)
        return SW_ACCESS;
    status_t status = sw_file_open_program(place->connection, place->path, place->length, &reply,
                                           &target->memory[0], &target->memory[1],
                                           &target->memory[2], &target->memory[3], SW_NEVER);
    if (status == SW_OK) {
        target->program = reply.program;
        *out_form = reply.form;
        *out_size = reply.attributes.size;
    }
    return status;
}

static status_t target_open(const char *path, struct target *target)
{
    struct sw_place place;
    uint32_t form = 0;
    uint64_t size = 0;
    status_t status = sw_path_resolve(path, &place);
    if (status != SW_OK)
        return status;
    status = open_program(&place, target, &form, &size);
    if (status == SW_NOT_SUPPORTED) { /* a server without programs may still hold scripts */
        status = file_script(target, &place);
    } else if (status == SW_OK && form == FORM_SCRIPT) {
        handle_t text = target->memory[0];
        target->memory[0] = 0;
        memory_close(target); /* a script has no more */
        status = image_script(target, text, size);
        if (status != SW_OK && !target->script)
            sw_handle_close(text);
    }
    if (status != SW_OK || !target->is_script)
        return status;
    status = sw_path_resolve(target->interpreter, &place);
    if (status == SW_OK)
        status = open_program(&place, target, &form, &size);
    if (status == SW_OK && form != FORM_PROGRAM)
        status = SW_BAD_IMAGE; /* an interpreter is not a script itself */
    return status;
}

/* ---- what the child gets ---- */

#define PLAN_HANDLES (SW_SPAWN_HANDLES_MAX + 16) /* some carry no handle */

struct plan {
    struct sw_spawn_handle handles[PLAN_HANDLES];
    char names[PLAN_HANDLES][16]; /* of descriptors: "fd/N/control" */
    size_t count;
    struct open_file *files[SW_SPAWN_HANDLES_MAX];
    size_t file_count;
    struct sw_spawn_path paths[SW_SPAWN_HANDLES_MAX];
    char directory[SW_PATH_MAX];
};

/* The name is borrowed. */
static status_t plan_add(struct plan *plan, const char *name, handle_t handle, uint32_t info)
{
    if (plan->count == PLAN_HANDLES)
        return SW_TOO_LARGE;
    plan->handles[plan->count++] = (struct sw_spawn_handle){
        .name = name, .handle = handle, .rights = SW_RIGHTS_SAME, .info = info
    };
    return SW_OK;
}

/* A handle of a descriptor: "fd/N" and a suffix. */
static status_t plan_add_fd(struct plan *plan, int fd, const char *suffix, handle_t handle,
                            uint32_t info)
{
    char *name = plan->names[plan->count < PLAN_HANDLES ? plan->count : 0];
    sw_format(name, sizeof(plan->names[0]), "fd/%d%s", fd, suffix);
    return plan_add(plan, name, handle, info);
}

static int plan_names(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->handles[i].name, name) == 0)
            return 1;
    return 0;
}

static status_t plan_default(struct plan *plan, const char *name, handle_t handle)
{
    return !handle || plan_names(plan, name) ? SW_OK : plan_add(plan, name, handle, 0);
}

static status_t plan_descriptor(struct plan *plan, int child, int parent)
{
    if (plan->file_count == SW_SPAWN_HANDLES_MAX || child < 0 || child >= SW_FD_LIMIT)
        return SW_INVALID;
    struct open_file *file = sw_fd_get(parent);
    if (!file)
        return SW_BAD_HANDLE;
    plan->files[plan->file_count++] = file; /* kept until the process is made */
    if (file->kind >= SW_FD_DIRECTORY)
        return SW_NOT_SUPPORTED; /* these mean something in this process only */
    handle_t cell;
    status_t status = open_file_share(file, &cell);
    if (status == SW_OK)
        status = plan_add_fd(plan, child, "", file->handle, file->kind);
    if (status == SW_OK && file->control)
        status = plan_add_fd(plan, child, "/control", file->control, 0);
    if (status == SW_OK && cell)
        status = plan_add_fd(plan, child, "/offset", cell, 0);
    return status;
}

static status_t plan_descriptors(struct plan *plan, const struct sw_spawn_options *options)
{
    status_t status = SW_OK;
    if (options->descriptors) {
        for (size_t i = 0; i < options->descriptor_count && status == SW_OK; i++)
            status = plan_descriptor(plan, options->descriptors[i].child,
                                     options->descriptors[i].parent);
        return status;
    }
    for (int fd = -1; status == SW_OK && (fd = open_file_next_inherited(fd + 1)) >= 0;) {
        status = plan_descriptor(plan, fd, fd);
        if (status == SW_BAD_HANDLE) /* closed meanwhile by another thread */
            status = SW_OK;
    }
    return status;
}

/* Fills in what the options leave open; `options` is the caller's own copy. */
static status_t plan_make(struct plan *plan, struct sw_spawn_options *options,
                          const struct target *target)
{
    if (!options->job)
        options->job = sw_start_get("job");
    if (options->handle_count > SW_SPAWN_HANDLES_MAX)
        return SW_TOO_LARGE;
    for (size_t i = 0; i < options->handle_count; i++)
        plan->handles[plan->count++] = options->handles[i];
    status_t status = SW_OK;
    if (!options->bare) {
        status = plan_default(plan, "job", options->job);
        if (status == SW_OK)
            status = plan_default(plan, "names", sw_start_get("names"));
        if (status == SW_OK)
            status = plan_default(plan, "log", sw_start_get("log"));
        if (status == SW_OK)
            status = plan_default(plan, "terminal", sw_start_get("terminal"));
    }
    if (status == SW_OK && target->script)
        status = plan_add(plan, "script", target->script, target->script_size);
    if (status == SW_OK)
        status = plan_descriptors(plan, options);
    options->handles = plan->handles;
    options->handle_count = plan->count;
    if (!options->paths) {
        const struct sw_start_handle *entry;
        size_t count = 0;
        for (; count < SW_SPAWN_HANDLES_MAX && (entry = sw_start_path_at(count)) != NULL; count++)
            plan->paths[count] =
                (struct sw_spawn_path){ sw_start_text(entry->offset), entry->handle };
        options->paths = plan->paths;
        options->path_count = count;
    }
    if (!options->directory && status == SW_OK) {
        status = sw_path_directory(plan->directory, sizeof(plan->directory));
        options->directory = plan->directory;
    }
    return status;
}

/* The arguments of the interpreter: itself, its argument, the script's path, the script's own
 * arguments from the second on. The array is the caller's to free, the strings are borrowed. */
static const char **script_arguments(const struct target *target, const char *path,
                                     const char *const *arguments)
{
    size_t count = 0, at = 0;
    while (arguments && arguments[count])
        count++;
    const char **list = malloc((count + 4) * sizeof(*list));
    if (!list)
        return NULL;
    list[at++] = target->interpreter;
    if (target->argument)
        list[at++] = target->argument;
    list[at++] = path;
    for (size_t i = 1; i < count; i++)
        list[at++] = arguments[i];
    list[at] = NULL;
    return list;
}

/* The caller's start environment as a list; the array is the caller's to free. */
static const char **start_environment(void)
{
    uint32_t count = sw_start_block()->environment_count;
    const char **list = malloc((count + 1) * sizeof(*list));
    for (uint32_t i = 0; list && i <= count; i++)
        list[i] = sw_start_environment(i);
    return list;
}

status_t sw_spawn_program(const char *path, const struct sw_spawn_options *given,
                          handle_t *out_process, uint32_t *out_pid)
{
    const char *only[2] = { path, NULL };
    const char **arguments = NULL, **environment = NULL;
    struct sw_spawn_options options = *given;
    struct target target = { 0 };
    struct plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return SW_NO_MEMORY;
    if (!options.arguments)
        options.arguments = only;
    if (!options.name)
        options.name = path;
    status_t status = target_open(path, &target);
    if (status == SW_OK)
        status = plan_make(plan, &options, &target);
    if (status != SW_OK)
        goto out;
    if (target.is_script) {
        arguments = script_arguments(&target, path, options.arguments);
        options.arguments = arguments;
    }
    if (!options.environment) {
        environment = start_environment();
        options.environment = environment;
    }
    if (!options.arguments || !options.environment)
        status = SW_NO_MEMORY;
    else
        status = sw_spawn_loaded(&target.program, target.memory, &options, out_process, out_pid);

out:
    for (size_t i = 0; i < plan->file_count; i++)
        open_file_put(plan->files[i]);
    target_close(&target);
    free(arguments);
    free(environment);
    free(plan);
    return status;
}
