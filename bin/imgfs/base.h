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

/* What is kept of a file: the whole (at most FILE_WHOLE_MAX) or one extent; the handle stays ours.
 * NOT_FOUND: it has to be loaded first (load.h). TOO_LARGE, NO_MEMORY. */
#define FILE_WHOLE_MAX 0x4000000u
#define EXTENT_WHOLE UINT32_MAX /* as an extent: the whole file */
status_t base_content(struct base *base, uint32_t inode, uint32_t extent, handle_t *out_memory);

/* Where an extent of a file lies on the disk, and how many bytes of it are stored there. */
void base_place(const struct base *base, uint32_t inode, uint32_t extent, uint64_t *out_offset,
                uint64_t *out_size);

/* Takes over memory that was filled from there: seals and verifies it, and keeps it. CORRUPT: it
 * does not match its hashes. IO: a driver still holds it. The handle is closed. */
status_t base_accept(struct base *base, uint32_t inode, uint32_t extent, handle_t memory);

/* Lets go of all content kept; what clients hold or map lives on. */
void base_trim(struct base *base);

/* Bytes of RAM base_trim would free now. */
uint64_t base_cached(const struct base *base);

/* The bytes of a memory object if our `ours` handles are all that holds it, else 0. */
uint64_t base_freeable(handle_t memory, uint32_t ours);
