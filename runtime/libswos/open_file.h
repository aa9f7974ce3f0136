/* Open files: what descriptors name. Private to libswos.
 *
 * An open file is created with one reference. `lock` guards moves of the offset, changes of `cell`,
 * `cell_memory` and the image view; everything else is constant from creation on. The offset is
 * changed by compare and swap, because once the cell is shared another process may change it too;
 * whatever stands in a shared cell is checked at use. */
#pragma once
#include <stdatomic.h>
#include <stdint.h>
#include <swos/fd.h>
#include <swos/sync.h>

/* What lies in the memory object `fd/N/offset`. */
struct sw_fd_cell {
    _Atomic uint64_t offset;
    _Atomic uint32_t flags; /* SW_FD_READ.. */
    uint32_t reserved;
    struct sw_attributes attributes; /* as of open: all that is known of an image file */
};
_Static_assert(sizeof(struct sw_fd_cell) == 56, "sw_fd_cell crosses process boundaries");

#define EXTENT_VIEWS 4

struct extent_view {
    const uint8_t *bytes; /* NULL: free */
    size_t size;
    uint64_t index, used; /* used: number of the last read that wanted it */
};

struct open_file {
    _Atomic uint32_t references;
    uint32_t kind; /* SW_FD_* */
    handle_t handle, control;
    int handle_borrowed; /* not closed with the file */
    struct sw_mutex lock;
    struct sw_fd_cell own;
    struct sw_fd_cell *_Atomic cell; /* &own until shared: filled before it is seen */
    handle_t cell_memory;
    uint64_t size, id; /* image files: checked against the memory */
    uint64_t reads;
    const uint8_t *view;             /* MEMORY: whole content, once mapped */
    struct extent_view *extents;     /* EXTENT: EXTENT_VIEWS of them, once read */
    char *path;                      /* DIRECTORY */
    const struct sw_fd_class *class; /* OBJECT */
    void *object;
};

/* NULL when memory is short; the caller's handles stay the caller's then. */
struct open_file *open_file_create(uint32_t kind, uint32_t flags, handle_t handle,
                                   handle_t control);
void open_file_put(struct open_file *file);

/* Maps the cell given by a spawner. */
status_t open_file_take_cell(struct open_file *file, handle_t cell_memory);
/* Moves offset and facts into a shared cell; *out_memory is borrowed, 0 for kinds without one. */
status_t open_file_share(struct open_file *file, handle_t *out_memory);

status_t open_file_read(struct open_file *file, void *buffer, size_t length, uint64_t deadline,
                        size_t *out_done);
status_t open_file_write(struct open_file *file, const void *buffer, size_t length,
                         uint64_t deadline, size_t *out_done);
status_t open_file_read_at(struct open_file *file, void *buffer, size_t length, uint64_t offset,
                           size_t *out_done);
status_t open_file_write_at(struct open_file *file, const void *buffer, size_t length,
                            uint64_t offset, size_t *out_done);
status_t open_file_seek(struct open_file *file, int64_t distance, enum sw_fd_origin origin,
                        uint64_t *out_offset);
status_t open_file_attributes(struct open_file *file, struct sw_attributes *out_attributes);

static inline int open_file_seekable(const struct open_file *file)
{
    return file->kind == SW_FD_FILE || file->kind == SW_FD_MEMORY || file->kind == SW_FD_EXTENT;
}

static inline uint32_t open_file_flags(const struct open_file *file)
{
    return atomic_load_explicit(&file->cell->flags, memory_order_relaxed);
}

/* The open file of a descriptor with a reference, NULL when there is none (fd.c). */
struct open_file *sw_fd_get(int fd);

/* The first descriptor from `from` on that spawn passes on by itself, -1: none (fd.c). */
int open_file_next_inherited(int from);

/* A port for one wait of a library function: taken from a spare when there is one (wait_port.c). */
status_t wait_port_take(handle_t *out_port);
void wait_port_put(handle_t port);
