/* The descriptor table.
 *
 * `table_lock` guards the table alone and is never held across a call to a server. Each operation
 * takes a reference to the open file and works on that, so a descriptor may be closed or replaced
 * while another thread still reads from what it named. */
#include "open_file.h"
#include <stdlib.h>
#include <string.h>
#include <swos/hot.h>
#include <swos/path.h>
#include <swos/start.h>

struct slot {
    struct open_file *file;
    int inherited;
};

static struct sw_mutex table_lock;
static struct slot table[SW_FD_LIMIT];
static struct sw_once table_once;

/* Number of a name "fd/N" exactly, else -1. */
static int name_number(const char *name, size_t length)
{
    int number = 0;
    if (length < 4 || length > 6 || memcmp(name, "fd/", 3) != 0)
        return -1;
    for (size_t i = 3; i < length; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        number = number * 10 + (name[i] - '0');
    }
    return number < SW_FD_LIMIT ? number : -1;
}

static handle_t start_part(const char *name, size_t length, const char *part)
{
    char full[32];
    memcpy(full, name, length);
    strcpy(full + length, part);
    return sw_start_get(full);
}

/* What may be done with a pipe end stands in its rights; with a file, in its cell. */
static uint32_t start_flags(const struct sw_start_handle *entry)
{
    uint32_t rights = 0;
    switch (entry->info) {
    case SW_FD_PIPE:
    case SW_FD_TERMINAL:
        sw_handle_info(entry->handle, NULL, &rights, NULL);
        return (rights & SW_RIGHT_READ ? SW_FD_READ : 0) |
               (rights & SW_RIGHT_WRITE ? SW_FD_WRITE : 0);
    case SW_FD_MEMORY:
    case SW_FD_EXTENT:
        return SW_FD_READ;
    default:
        return SW_FD_READ | SW_FD_WRITE;
    }
}

/* Descriptors of the start block. One that cannot be set up is left closed: its user gets an
 * error at first use, where it can be said. */
static void table_fill(void)
{
    const struct sw_start_handle *entry;
    for (size_t i = 0; (entry = sw_start_handle_at(i)) != NULL; i++) {
        const char *name = sw_start_text(entry->offset);
        int fd = name_number(name, entry->length);
        if (fd < 0 || table[fd].file || entry->info == SW_FD_NONE || entry->info > SW_FD_EXTENT)
            continue; /* no descriptor, or of no kind that comes from another process */
        struct open_file *file = open_file_create(entry->info, start_flags(entry), entry->handle,
                                                  start_part(name, entry->length, "/control"));
        if (!file)
            continue;
        handle_t cell = start_part(name, entry->length, "/offset");
        if (cell && open_file_take_cell(file, cell) != SW_OK) {
            open_file_put(file);
            continue;
        }
        table[fd] = (struct slot){ file, 1 };
    }
}

static void table_lock_ready(void)
{
    sw_once_run(&table_once, table_fill);
    sw_mutex_lock(&table_lock);
}

SW_HOT struct open_file *sw_fd_get(int fd)
{
    if (fd < 0 || fd >= SW_FD_LIMIT)
        return NULL;
    table_lock_ready();
    struct open_file *file = table[fd].file;
    if (file)
        atomic_fetch_add_explicit(&file->references, 1, memory_order_relaxed);
    sw_mutex_unlock(&table_lock);
    return file;
}

/* Puts the file (whose reference the table takes) at the lowest free number from `minimum` on. */
static status_t table_add(struct open_file *file, int minimum, int *out_fd)
{
    if (minimum < 0 || minimum >= SW_FD_LIMIT)
        return SW_INVALID;
    status_t status = SW_QUOTA;
    table_lock_ready();
    for (int fd = minimum; fd < SW_FD_LIMIT; fd++) {
        if (!table[fd].file) {
            table[fd] = (struct slot){ file, 0 };
            *out_fd = fd;
            status = SW_OK;
            break;
        }
    }
    sw_mutex_unlock(&table_lock);
    return status;
}

status_t sw_fd_adopt_object(const struct sw_fd_class *class, void *object, uint32_t flags,
                            int *out_fd)
{
    struct open_file *file = open_file_create(SW_FD_OBJECT, flags, 0, 0);
    if (!file)
        return SW_NO_MEMORY;
    file->object = object;
    file->class = class;
    status_t status = table_add(file, 0, out_fd);
    if (status != SW_OK) {
        file->class = NULL; /* a failed adoption takes nothing */
        open_file_put(file);
    }
    return status;
}

status_t sw_fd_object(int fd, const struct sw_fd_class *class, void **out_object,
                      uint32_t *out_flags, void **out_reference)
{
    struct open_file *file = sw_fd_get(fd);
    if (!file)
        return SW_BAD_HANDLE;
    if (file->class != class) {
        open_file_put(file);
        return SW_WRONG_TYPE;
    }
    *out_object = file->object;
    *out_flags = open_file_flags(file);
    *out_reference = file;
    return SW_OK;
}

void sw_fd_object_put(void *reference)
{
    open_file_put(reference);
}

SW_HOT status_t sw_fd_close(int fd)
{
    if (fd < 0 || fd >= SW_FD_LIMIT)
        return SW_BAD_HANDLE;
    table_lock_ready();
    struct open_file *file = table[fd].file;
    table[fd] = (struct slot){ NULL, 0 };
    sw_mutex_unlock(&table_lock);
    if (!file)
        return SW_BAD_HANDLE;
    open_file_put(file);
    return SW_OK;
}

status_t sw_fd_adopt(uint32_t kind, uint32_t flags, handle_t handle, handle_t control, int *out_fd)
{
    struct open_file *file = open_file_create(kind, flags, handle, control);
    if (!file)
        return SW_NO_MEMORY;
    status_t status = table_add(file, 0, out_fd);
    if (status != SW_OK) {
        file->handle = file->control = 0; /* a failed adoption takes nothing */
        open_file_put(file);
    }
    return status;
}

status_t sw_fd_duplicate(int fd, int minimum, int *out_fd)
{
    struct open_file *file = sw_fd_get(fd);
    if (!file)
        return SW_BAD_HANDLE;
    status_t status = table_add(file, minimum, out_fd);
    if (status != SW_OK)
        open_file_put(file);
    return status;
}

status_t sw_fd_duplicate_to(int fd, int to)
{
    if (to < 0 || to >= SW_FD_LIMIT)
        return SW_BAD_HANDLE;
    struct open_file *file = sw_fd_get(fd);
    if (!file)
        return SW_BAD_HANDLE;
    if (fd == to) {
        open_file_put(file);
        return SW_OK;
    }
    sw_mutex_lock(&table_lock);
    struct open_file *old = table[to].file;
    /* Standard streams are what a child is meant to get; see sw_fd_inherited. */
    table[to] = (struct slot){ file, to <= 2 };
    sw_mutex_unlock(&table_lock);
    if (old)
        open_file_put(old);
    return SW_OK;
}

status_t sw_fd_pipe(uint32_t capacity, int out_fds[2])
{
    handle_t reader, writer;
    status_t status = sw_pipe_create(capacity, 0, &reader, &writer);
    if (status != SW_OK)
        return status;
    status = sw_fd_adopt(SW_FD_PIPE, SW_FD_READ, reader, 0, &out_fds[0]);
    if (status != SW_OK)
        goto fail_handles;
    status = sw_fd_adopt(SW_FD_PIPE, SW_FD_WRITE, writer, 0, &out_fds[1]);
    if (status != SW_OK) {
        sw_fd_close(out_fds[0]);
        reader = 0;
        goto fail_handles;
    }
    return SW_OK;

fail_handles:
    if (reader)
        sw_handle_close(reader);
    sw_handle_close(writer);
    return status;
}

static status_t open_directory(const struct sw_place *place, struct open_file **out_file)
{
    struct sw_file_stat_reply reply;
    status_t status = sw_file_stat(place->connection, place->path, place->length, &reply, SW_NEVER);
    if (status != SW_OK)
        return status;
    if (reply.attributes.kind != SW_FILE_DIRECTORY)
        return SW_NOT_DIRECTORY;
    struct open_file *file = open_file_create(SW_FD_DIRECTORY, SW_FD_READ, 0, 0);
    if (!file)
        return SW_NO_MEMORY;
    file->own.attributes = reply.attributes;
    file->path = strdup(place->absolute);
    if (!file->path) {
        open_file_put(file);
        return SW_NO_MEMORY;
    }
    *out_file = file;
    return SW_OK;
}

static SW_HOT status_t open_on_server(const struct sw_place *place, uint32_t flags, uint32_t mode,
                                      struct open_file **out_file)
{
    static const uint32_t kinds[] = { SW_FD_FILE, SW_FD_MEMORY, SW_FD_EXTENT };
    struct sw_file_open_reply reply;
    handle_t handle;
    status_t status = sw_file_open(place->connection, flags, mode, place->path, place->length,
                                   &reply, &handle, SW_NEVER);
    if (status == SW_IS_DIRECTORY && !(flags & SW_OPEN_WRITE))
        return open_directory(place, out_file);
    if (status != SW_OK)
        return status;
    if (reply.attributes.kind == SW_FILE_DIRECTORY) {
        if (handle)
            sw_handle_close(handle);
        return open_directory(place, out_file);
    }
    if (reply.form > 2 || (reply.form == 2) == (handle != 0)) { /* form 2 has none, others one */
        if (handle)
            sw_handle_close(handle);
        return SW_BAD_MESSAGE;
    }
    uint32_t file_flags = (flags & SW_OPEN_READ ? SW_FD_READ : 0) |
                          (flags & SW_OPEN_WRITE ? SW_FD_WRITE : 0) |
                          (flags & SW_OPEN_APPEND ? SW_FD_APPEND : 0);
    struct open_file *file = open_file_create(kinds[reply.form], file_flags, handle, 0);
    if (!file) {
        if (handle)
            sw_handle_close(handle);
        return SW_NO_MEMORY;
    }
    file->own.attributes = reply.attributes;
    file->size = reply.attributes.size;
    file->id = reply.attributes.id;
    if (reply.form == 2) { /* extents are asked for on the connection of the path table */
        file->handle = place->connection;
        file->handle_borrowed = 1;
    }
    *out_file = file;
    return SW_OK;
}

SW_HOT status_t sw_fd_open(const char *path, uint32_t flags, uint32_t mode, int *out_fd)
{
    struct sw_place place;
    status_t status = sw_path_resolve(path, &place);
    if (status != SW_OK)
        return status;
    struct open_file *file = NULL;
    if (sw_path_is_null(&place)) {
        if (flags & SW_OPEN_DIRECTORY)
            return SW_NOT_DIRECTORY;
        if ((flags & SW_OPEN_CREATE) && (flags & SW_OPEN_EXCLUSIVE))
            return SW_EXISTS;
        file = open_file_create(SW_FD_NULL, SW_FD_READ | SW_FD_WRITE, 0, 0);
        status = file ? SW_OK : SW_NO_MEMORY;
    } else if (flags & SW_OPEN_DIRECTORY) {
        status = open_directory(&place, &file);
    } else {
        status = open_on_server(&place, flags, mode, &file);
    }
    if (status != SW_OK)
        return status;
    status = table_add(file, 0, out_fd);
    if (status != SW_OK)
        open_file_put(file);
    return status;
}

status_t sw_fd_facts(int fd, struct sw_fd_facts *out_facts)
{
    struct open_file *file = sw_fd_get(fd);
    if (!file)
        return SW_BAD_HANDLE;
    *out_facts =
        (struct sw_fd_facts){ file->kind, open_file_flags(file), file->handle, file->control };
    open_file_put(file);
    return SW_OK;
}

status_t sw_fd_set_flags(int fd, uint32_t flags)
{
    const uint32_t changeable = SW_FD_APPEND | SW_FD_NONBLOCK;
    struct open_file *file = sw_fd_get(fd);
    if (!file)
        return SW_BAD_HANDLE;
    sw_mutex_lock(&file->lock);
    atomic_store(&file->cell->flags, (open_file_flags(file) & ~changeable) | (flags & changeable));
    sw_mutex_unlock(&file->lock);
    open_file_put(file);
    return SW_OK;
}

status_t sw_fd_inherited(int fd, int *out_inherited)
{
    if (fd < 0 || fd >= SW_FD_LIMIT)
        return SW_BAD_HANDLE;
    table_lock_ready();
    status_t status = table[fd].file ? SW_OK : SW_BAD_HANDLE;
    *out_inherited = table[fd].inherited;
    sw_mutex_unlock(&table_lock);
    return status;
}

int open_file_next_inherited(int from)
{
    int fd = from;
    table_lock_ready();
    while (fd < SW_FD_LIMIT && !(table[fd].file && table[fd].inherited))
        fd++;
    sw_mutex_unlock(&table_lock);
    return fd < SW_FD_LIMIT ? fd : -1;
}

status_t sw_fd_set_inherited(int fd, int inherited)
{
    if (fd < 0 || fd >= SW_FD_LIMIT)
        return SW_BAD_HANDLE;
    table_lock_ready();
    status_t status = table[fd].file ? SW_OK : SW_BAD_HANDLE;
    if (status == SW_OK)
        table[fd].inherited = inherited;
    sw_mutex_unlock(&table_lock);
    return status;
}

/* The operations below work on the open file alone. */
#define WITH_FILE(fd, expression)                                                                  \
    do {                                                                                           \
        struct open_file *file = sw_fd_get(fd);                                                    \
        if (!file)                                                                                 \
            return SW_BAD_HANDLE;                                                                  \
        status_t status = (expression);                                                            \
        open_file_put(file);                                                                       \
        return status;                                                                             \
    } while (0)

SW_HOT status_t sw_fd_read(int fd, void *buffer, size_t length, uint64_t deadline, size_t *out_done)
{
    WITH_FILE(fd, open_file_read(file, buffer, length, deadline, out_done));
}

SW_HOT status_t sw_fd_write(int fd, const void *buffer, size_t length, uint64_t deadline,
                            size_t *out_done)
{
    WITH_FILE(fd, open_file_write(file, buffer, length, deadline, out_done));
}

status_t sw_fd_read_at(int fd, void *buffer, size_t length, uint64_t offset, size_t *out_done)
{
    WITH_FILE(fd, open_file_read_at(file, buffer, length, offset, out_done));
}

status_t sw_fd_write_at(int fd, const void *buffer, size_t length, uint64_t offset,
                        size_t *out_done)
{
    WITH_FILE(fd, open_file_write_at(file, buffer, length, offset, out_done));
}

status_t sw_fd_seek(int fd, int64_t distance, enum sw_fd_origin origin, uint64_t *out_offset)
{
    WITH_FILE(fd, open_file_seek(file, distance, origin, out_offset));
}

status_t sw_fd_attributes(int fd, struct sw_attributes *out_attributes)
{
    WITH_FILE(fd, open_file_attributes(file, out_attributes));
}

status_t sw_fd_truncate(int fd, uint64_t size)
{
    WITH_FILE(fd, !(open_file_flags(file) & SW_FD_WRITE) ? SW_BAD_HANDLE
                  : file->kind != SW_FD_FILE             ? SW_INVALID
                                             : sw_file_truncate(file->handle, size, SW_NEVER));
}

status_t sw_fd_sync(int fd)
{
    WITH_FILE(fd, file->kind == SW_FD_FILE ? sw_file_sync(file->handle, SW_NEVER) : SW_OK);
}

static status_t terminal_ask(const struct open_file *file)
{
    if (file->kind != SW_FD_TERMINAL || !file->control)
        return SW_WRONG_TYPE;
    return sw_terminal_get_mode(file->control, NULL, SW_NEVER);
}

status_t sw_fd_terminal(int fd)
{
    WITH_FILE(fd, terminal_ask(file));
}

static status_t directory_copy(const struct open_file *file, char *out, size_t capacity)
{
    if (file->kind != SW_FD_DIRECTORY)
        return SW_NOT_DIRECTORY;
    if (strlen(file->path) >= capacity)
        return SW_OUT_OF_RANGE;
    strcpy(out, file->path);
    return SW_OK;
}

status_t sw_fd_directory(int fd, char *out, size_t capacity)
{
    WITH_FILE(fd, directory_copy(file, out, capacity));
}
