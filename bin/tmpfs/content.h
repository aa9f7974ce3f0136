/* Contents of files: reading, writing, sizing. Pure, over a store; bytes pass through a callback
 * that copies between the caller and the arena directly. Bytes behind the end of a file are
 * always zero in its last page, and no page lies wholly behind the end. */
#pragma once
#include "store.h"

/* Copies `length` bytes between `memory` and the caller's data at `position`, all or an error. */
struct content_copy {
    status_t (*copy)(void *context, uint64_t position, void *memory, uint64_t length);
    void *context;
};

/* Both may do less than asked: reading at the end of the file, either when the caller's memory
 * fails or space ends after something was done. */
status_t content_read(struct store *store, uint32_t inode, uint64_t offset, uint64_t length,
                      const struct content_copy *to, uint64_t *out_done);
status_t content_write(struct store *store, uint32_t inode, uint64_t offset, uint64_t length,
                       uint64_t now, const struct content_copy *from, uint64_t *out_done);

status_t content_truncate(struct store *store, uint32_t inode, uint64_t size, uint64_t now);
