/* Open files: life, offsets, and reading and writing by kind. */
#include "open_file.h"
#include <stdlib.h>
#include <string.h>
#include <swos/hot.h>
#include <swos/mapping.h>

/* The one closed last, or NULL: who opens and closes one file after the other needs no allocator, which
 * would cost six pages of code and data each time. */
static _Atomic(struct open_file *) spare;

SW_HOT struct open_file *open_file_create(uint32_t kind, uint32_t flags, handle_t handle,
                                          handle_t control)
{
    struct open_file *file = atomic_exchange_explicit(&spare, NULL, memory_order_acquire);
    if (file)
        *file = (struct open_file){ 0 };
    else if (!(file = calloc(1, sizeof(*file))))
        return NULL;
    file->references = 1;
    file->kind = kind;
    file->handle = handle;
    file->control = control;
    file->own.flags = flags;
    file->cell = &file->own;
    return file;
}

static void extents_free(struct open_file *file)
{
    if (!file->extents)
        return;
    for (int i = 0; i < EXTENT_VIEWS; i++)
        if (file->extents[i].bytes)
            sw_mapping_unmap(file->extents[i].bytes, file->extents[i].size);
    free(file->extents);
}

SW_HOT void open_file_put(struct open_file *file)
{
    if (atomic_fetch_sub_explicit(&file->references, 1, memory_order_acq_rel) != 1)
        return;
    if (file->class)
        file->class->close(file->object);
    if (file->handle && !file->handle_borrowed)
        sw_handle_close(file->handle);
    if (file->control)
        sw_handle_close(file->control);
    if (file->cell != &file->own)
        sw_mapping_unmap(file->cell, sizeof(*file->cell));
    if (file->cell_memory)
        sw_handle_close(file->cell_memory);
    if (file->view)
        sw_mapping_unmap(file->view, file->size);
    extents_free(file);
    if (file->path)
        free(file->path);
    struct open_file *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(&spare, &none, file, memory_order_release,
                                                 memory_order_relaxed))
        free(file);
}

status_t open_file_take_cell(struct open_file *file, handle_t cell_memory)
{
    void *cell;
    status_t status =
        sw_mapping_map(cell_memory, 0, sizeof(*file->cell), SW_MAP_READ | SW_MAP_WRITE, &cell);
    if (status != SW_OK)
        return status;
    file->cell = cell;
    file->cell_memory = cell_memory;
    file->id = file->cell->attributes.id;
    file->size = file->cell->attributes.size;
    uint64_t real = 0;
    if (file->kind == SW_FD_MEMORY &&
        (sw_memory_info(file->handle, &real, NULL, NULL) != SW_OK || file->size > real))
        file->size = real;
    return SW_OK;
}

status_t open_file_share(struct open_file *file, handle_t *out_memory)
{
    *out_memory = 0;
    if (!open_file_seekable(file))
        return SW_OK;
    status_t status = SW_OK;
    sw_mutex_lock(&file->lock);
    if (file->cell == &file->own) {
        void *cell;
        status = sw_mapping_create(sizeof(*file->cell), 0, &cell, &file->cell_memory);
        if (status == SW_OK) {
            memcpy(cell, &file->own, sizeof(file->own));
            atomic_store_explicit(&file->cell, cell, memory_order_release);
        }
    }
    if (status == SW_OK)
        *out_memory = file->cell_memory;
    sw_mutex_unlock(&file->lock);
    return status;
}

/* ---- image files ---- */

static status_t memory_read_at(struct open_file *file, void *buffer, size_t length, uint64_t offset)
{
    if (!file->view && file->reads++ > 0) {
        /* A file read more than once is worth a mapping; most small files are read in one piece. */
        void *view;
        if (sw_mapping_map(file->handle, 0, file->size, SW_MAP_READ, &view) == SW_OK)
            file->view = view;
    }
    if (file->view) {
        memcpy(buffer, file->view + offset, length);
        return SW_OK;
    }
    return sw_memory_read(file->handle, offset, buffer, length, NULL);
}

/* The view of an extent, mapped in the place of the one unused for longest. */
static status_t extent_find(struct open_file *file, uint64_t index, struct extent_view **out_view)
{
    if (!file->extents && !(file->extents = calloc(EXTENT_VIEWS, sizeof(struct extent_view))))
        return SW_NO_MEMORY;
    struct extent_view *view = &file->extents[0];
    for (int i = 0; i < EXTENT_VIEWS; i++) {
        struct extent_view *other = &file->extents[i];
        if (other->bytes && other->index == index) {
            view = other;
            break;
        }
        if (other->used < view->used)
            view = other;
    }
    if (!view->bytes || view->index != index) {
        handle_t memory;
        status_t status = sw_file_extent(file->handle, file->id, index, &memory, SW_NEVER);
        if (status != SW_OK)
            return status;
        uint64_t left = file->size - index * SW_FILE_EXTENT;
        size_t size = left < SW_FILE_EXTENT ? (size_t)left : SW_FILE_EXTENT;
        void *bytes;
        status = sw_mapping_map(memory, 0, size, SW_MAP_READ, &bytes);
        sw_handle_close(memory);
        if (status != SW_OK)
            return status;
        if (view->bytes)
            sw_mapping_unmap(view->bytes, view->size);
        *view = (struct extent_view){ .bytes = bytes, .size = size, .index = index };
    }
    view->used = ++file->reads;
    *out_view = view;
    return SW_OK;
}

static status_t extents_read_at(struct open_file *file, uint8_t *buffer, size_t length,
                                uint64_t offset, size_t *out_done)
{
    size_t done = 0;
    while (done < length) {
        struct extent_view *view;
        status_t status = extent_find(file, (offset + done) / SW_FILE_EXTENT, &view);
        if (status != SW_OK) {
            *out_done = done;
            return done ? SW_OK : status;
        }
        size_t at = (size_t)((offset + done) % SW_FILE_EXTENT);
        size_t part = view->size - at < length - done ? view->size - at : length - done;
        memcpy(buffer + done, view->bytes + at, part);
        done += part;
    }
    *out_done = done;
    return SW_OK;
}

/* Call with the lock held. */
static SW_HOT status_t read_at(struct open_file *file, void *buffer, size_t length, uint64_t offset,
                               size_t *out_done)
{
    *out_done = 0;
    if (length > SW_DATA_MAX)
        length = SW_DATA_MAX;
    if (file->kind == SW_FD_FILE) {
        if (length == 0)
            return SW_OK;
        struct sw_file_read_reply reply;
        status_t status = sw_file_read(file->handle, offset, buffer, length, &reply, SW_NEVER);
        if (status == SW_OK && reply.done > length)
            return SW_BAD_MESSAGE;
        if (status == SW_OK)
            *out_done = (size_t)reply.done;
        return status;
    }
    if (offset >= file->size || length == 0)
        return SW_OK;
    if (length > file->size - offset)
        length = (size_t)(file->size - offset);
    if (file->kind == SW_FD_EXTENT)
        return extents_read_at(file, buffer, length, offset, out_done);
    status_t status = memory_read_at(file, buffer, length, offset);
    if (status == SW_OK)
        *out_done = length;
    return status;
}

/* Call with the lock held. With append the place is the end of the file as the server knows it;
 * *out_end is where the write ended. */
static SW_HOT status_t write_at(struct open_file *file, const void *buffer, size_t length,
                                uint64_t offset, int append, size_t *out_done, uint64_t *out_end)
{
    *out_done = 0;
    if (file->kind != SW_FD_FILE)
        return SW_READ_ONLY;
    if (length > SW_DATA_MAX)
        length = SW_DATA_MAX;
    struct sw_file_write_reply reply = { 0 };
    status_t status = sw_file_write(file->handle, offset, append ? SW_WRITE_APPEND : 0, 0, buffer,
                                    length, &reply, SW_NEVER);
    if (status != SW_OK)
        return status;
    if (reply.done > length || (reply.done == 0 && length > 0)) /* callers write until all is */
        return SW_BAD_MESSAGE;
    *out_done = (size_t)reply.done;
    *out_end = reply.end;
    return SW_OK;
}

status_t open_file_read_at(struct open_file *file, void *buffer, size_t length, uint64_t offset,
                           size_t *out_done)
{
    if (!open_file_seekable(file))
        return SW_WRONG_TYPE;
    if (!(open_file_flags(file) & SW_FD_READ))
        return SW_BAD_HANDLE;
    sw_mutex_lock(&file->lock);
    status_t status = read_at(file, buffer, length, offset, out_done);
    sw_mutex_unlock(&file->lock);
    return status;
}

status_t open_file_write_at(struct open_file *file, const void *buffer, size_t length,
                            uint64_t offset, size_t *out_done)
{
    if (!open_file_seekable(file))
        return SW_WRONG_TYPE;
    if (!(open_file_flags(file) & SW_FD_WRITE))
        return SW_BAD_HANDLE;
    uint64_t end;
    sw_mutex_lock(&file->lock);
    status_t status = write_at(file, buffer, length, offset, 0, out_done, &end);
    sw_mutex_unlock(&file->lock);
    return status;
}

/* Reads at the offset and moves it. Another process may move a shared offset meanwhile; then the
 * bytes read here are its bytes, and the read is made again. */
static SW_HOT status_t read_and_move(struct open_file *file, void *buffer, size_t length,
                                     size_t *out_done)
{
    status_t status;
    sw_mutex_lock(&file->lock);
    uint64_t offset = atomic_load(&file->cell->offset);
    do
        status = read_at(file, buffer, length, offset, out_done);
    while (status == SW_OK && *out_done > 0 &&
           !atomic_compare_exchange_strong(&file->cell->offset, &offset, offset + *out_done));
    sw_mutex_unlock(&file->lock);
    return status;
}

/* Claims the range first, so that processes sharing the offset never write over each other. */
static SW_HOT status_t write_and_move(struct open_file *file, const void *buffer, size_t length,
                                      size_t *out_done)
{
    uint64_t end = 0;
    status_t status;
    if (length > SW_DATA_MAX)
        length = SW_DATA_MAX; /* as much as is written at once, and no more is claimed */
    sw_mutex_lock(&file->lock);
    if (open_file_flags(file) & SW_FD_APPEND) {
        status = write_at(file, buffer, length, 0, 1, out_done, &end);
        if (status == SW_OK)
            atomic_store(&file->cell->offset, end);
    } else {
        uint64_t offset = atomic_fetch_add(&file->cell->offset, length);
        status = write_at(file, buffer, length, offset, 0, out_done, &end);
        uint64_t claimed = offset + length;
        if (*out_done < length) /* give back what was not written, unless somebody wrote behind */
            atomic_compare_exchange_strong(&file->cell->offset, &claimed, offset + *out_done);
    }
    sw_mutex_unlock(&file->lock);
    return status;
}

static status_t event_read(struct open_file *file, void *buffer, size_t length, uint64_t deadline,
                           size_t *out_done)
{
    uint64_t bits = 0;
    if (length < sizeof(bits))
        return SW_INVALID;
    status_t status = sw_event_read(file->handle, &bits);
    if (status == SW_OK && bits == 0 && deadline != 0) {
        handle_t port;
        status = wait_port_take(&port);
        if (status != SW_OK)
            return status;
        status = sw_port_bind(port, file->handle, UINT64_MAX, 0);
        if (status == SW_OK) {
            struct sw_wait wait = { 0 };
            status = sw_port_wait(port, &wait, deadline);
            sw_port_unbind(port, file->handle);
        }
        wait_port_put(port);
    }
    if (status == SW_OK)
        status = sw_event_update(file->handle, UINT64_MAX, 0, &bits);
    if (status != SW_OK)
        return status;
    if (bits == 0)
        return SW_TIMED_OUT;
    memcpy(buffer, &bits, sizeof(bits));
    *out_done = sizeof(bits);
    return SW_OK;
}

SW_HOT status_t open_file_read(struct open_file *file, void *buffer, size_t length,
                               uint64_t deadline, size_t *out_done)
{
    uint32_t flags = open_file_flags(file);
    *out_done = 0;
    if (file->kind == SW_FD_DIRECTORY)
        return SW_IS_DIRECTORY;
    if (!(flags & SW_FD_READ))
        return SW_BAD_HANDLE;
    if (flags & SW_FD_NONBLOCK)
        deadline = 0;
    switch (file->kind) {
    case SW_FD_OBJECT:
        return file->class->read(file->object, buffer, length, deadline, out_done);
    case SW_FD_PIPE:
    case SW_FD_TERMINAL: {
        uint64_t done = 0;
        if (length == 0)
            return SW_OK;
        status_t status = sw_pipe_read(file->handle, buffer, length, deadline, &done);
        *out_done = status == SW_OK ? (size_t)done : 0;
        return status;
    }
    case SW_FD_NULL:
        return SW_OK;
    case SW_FD_EVENT:
        return event_read(file, buffer, length, deadline, out_done);
    default:
        return read_and_move(file, buffer, length, out_done);
    }
}

SW_HOT status_t open_file_write(struct open_file *file, const void *buffer, size_t length,
                                uint64_t deadline, size_t *out_done)
{
    uint32_t flags = open_file_flags(file);
    *out_done = 0;
    if (!(flags & SW_FD_WRITE))
        return SW_BAD_HANDLE;
    if (flags & SW_FD_NONBLOCK)
        deadline = 0;
    switch (file->kind) {
    case SW_FD_OBJECT:
        return file->class->write(file->object, buffer, length, deadline, out_done);
    case SW_FD_PIPE:
    case SW_FD_TERMINAL: {
        uint64_t done = 0;
        if (length == 0)
            return SW_OK;
        status_t status = sw_pipe_write(file->handle, buffer, length, deadline, &done);
        if (status == SW_OK || status == SW_TIMED_OUT || status == SW_INTERRUPTED)
            *out_done = (size_t)done;
        return *out_done ? SW_OK : status;
    }
    case SW_FD_NULL:
        *out_done = length;
        return SW_OK;
    case SW_FD_EVENT: {
        uint64_t bits;
        if (length != sizeof(bits))
            return SW_INVALID;
        memcpy(&bits, buffer, sizeof(bits));
        *out_done = length;
        return sw_event_update(file->handle, 0, bits, NULL);
    }
    default:
        return length ? write_and_move(file, buffer, length, out_done) : SW_OK;
    }
}

status_t open_file_attributes(struct open_file *file, struct sw_attributes *out_attributes)
{
    *out_attributes = (struct sw_attributes){ .mode = 0600, .kind = SW_FILE_DEVICE, .links = 1 };
    switch (file->kind) {
    case SW_FD_FILE: {
        struct sw_file_attributes_reply reply;
        status_t status = sw_file_attributes(file->handle, &reply, SW_NEVER);
        if (status == SW_OK)
            *out_attributes = reply.attributes;
        return status;
    }
    case SW_FD_MEMORY:
    case SW_FD_EXTENT:
    case SW_FD_DIRECTORY:
        *out_attributes = file->cell->attributes;
        out_attributes->size = file->size;
        return SW_OK;
    case SW_FD_NULL:
        out_attributes->mode = 0666;
        return SW_OK;
    default:
        return SW_OK;
    }
}

status_t open_file_seek(struct open_file *file, int64_t distance, enum sw_fd_origin origin,
                        uint64_t *out_offset)
{
    if (file->kind == SW_FD_NULL) {
        *out_offset = 0;
        return SW_OK;
    }
    if (!open_file_seekable(file))
        return SW_WRONG_TYPE;
    uint64_t from = 0;
    if (origin == SW_FD_FROM_END) {
        struct sw_attributes attributes;
        status_t status = open_file_attributes(file, &attributes);
        if (status != SW_OK)
            return status;
        from = attributes.size;
    }
    status_t status = SW_OK;
    sw_mutex_lock(&file->lock);
    uint64_t old = atomic_load(&file->cell->offset), target;
    do {
        if (origin == SW_FD_FROM_OFFSET)
            from = old;
        if (__builtin_add_overflow((int64_t)from, distance, (int64_t *)&target) ||
            (int64_t)target < 0) {
            status = SW_INVALID;
            break;
        }
    } while (!atomic_compare_exchange_strong(&file->cell->offset, &old, target));
    sw_mutex_unlock(&file->lock);
    if (status == SW_OK)
        *out_offset = target;
    return status;
}
