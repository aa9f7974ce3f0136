/* The mounted image: mounting, reading verified data, files kept in memory. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

#include "image.h"

/* A file's content, or one extent of it, in sealed memory. */
struct content {
    struct content *next;
    uint32_t inode, extent;
    handle_t memory; /* rights: read, map, duplicate, transfer, inspect */
};

struct program;

struct base {
    struct image image;
    handle_t disk;             /* blkd connection */
    handle_t *files;           /* by inode: whole content, 0: not loaded */
    struct program **programs; /* by inode; NULL: not laid out */
    struct content *extents;
};

/* Finds the disk with the image among the start handles disk/N and mounts it. Logs one line that
 * names what failed. */
enum image_error base_mount(struct base *base);

/* Memory with the `size` bytes of a file at `offset` (a multiple of the block), read from disk,
 * sealed, verified; the caller's to close. IO: cannot be read. CORRUPT: does not match its hashes.
 * NO_MEMORY, QUOTA. */
status_t base_load(struct base *base, uint32_t inode, uint64_t offset, uint64_t size,
                   handle_t *out_memory);

/* The same for a whole file (at most FILE_WHOLE_MAX) and for one extent, kept for later callers:
 * the handle stays ours. */
#define FILE_WHOLE_MAX 0x4000000u
status_t base_file(struct base *base, uint32_t inode, handle_t *out_memory);
status_t base_extent(struct base *base, uint32_t inode, uint32_t extent, handle_t *out_memory);

/* Lets go of all content kept; what clients hold or map lives on. */
void base_trim(struct base *base);
