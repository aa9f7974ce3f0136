/* The tree of tmpfs: paths, permissions, and every operation that changes names or attributes.
 *
 * Pure, over a store. Paths are relative to the root, components of 1 to 255 bytes parted by one
 * slash, none "." or ".."; "" is the root. Each operation checks everything before it changes
 * anything. A principal passes as owner, else by the bits for others; principals 0 (system) and
 * 1 (root) pass every check of a mode. */
#pragma once
#include "store.h"
#include <swos/protocol.h>

enum want { WANT_READ = 4, WANT_WRITE = 2, WANT_SEARCH = 1 };

/* Whether the mode lets the principal do all it wants. */
bool inode_allows(const struct inode *inode, uint32_t principal, unsigned want);

/* The place of a name: its directory exists and may be searched. */
struct tree_place {
    uint32_t directory;
    const char *name;
    size_t name_length;
    uint32_t inode; /* what has the name now, or NONE */
};

status_t tree_find(const struct store *store, uint32_t principal, const char *path, size_t length,
                   uint32_t *out_inode);

/* BUSY for the root, which has no name. */
status_t tree_place(const struct store *store, uint32_t principal, const char *path, size_t length,
                    struct tree_place *out_place);

/* Whether a file may be made there; then makes it. Two steps, so that the caller may reserve what
 * else it needs in between. */
status_t tree_may_create(struct store *store, uint32_t principal, const struct tree_place *place,
                         uint32_t *out_inode);
void tree_create(struct store *store, uint32_t principal, const struct tree_place *place,
                 uint32_t inode, uint32_t kind, uint32_t mode, uint64_t now);

status_t tree_unlink(struct store *store, uint32_t principal, const struct tree_place *place,
                     uint64_t now);
status_t tree_rmdir(struct store *store, uint32_t principal, const struct tree_place *place,
                    uint64_t now);
status_t tree_rename(struct store *store, uint32_t principal, const struct tree_place *from,
                     const struct tree_place *to, uint64_t now);

status_t tree_chmod(struct store *store, uint32_t principal, uint32_t inode, uint32_t mode);
status_t tree_chown(struct store *store, uint32_t principal, uint32_t inode, uint32_t owner);
status_t tree_set_time(struct store *store, uint32_t principal, uint32_t inode, uint64_t mtime);

void tree_attributes(const struct store *store, uint32_t inode, struct sw_attributes *out);

/* Fills a buffer with entries as the protocol's `list` has them, from a cookie on (0: from the
 * start). *out_next is the cookie to go on with, 0 when that was all. An entry that stays
 * throughout is listed exactly once, whatever else comes and goes. */
void tree_list(const struct store *store, uint32_t directory, uint64_t cookie, uint8_t *buffer,
               size_t capacity, size_t *out_bytes, uint32_t *out_count, uint64_t *out_next);
