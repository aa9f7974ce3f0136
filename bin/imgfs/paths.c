/* Paths of an image: walked from the root, or found among the last ones.
 *
 * A walk goes through the inodes and names of every directory on its way, which are pages apart; that
 * was a tenth of what opening a file costs. A path is kept only if all its directories let everyone
 * through, so that what is kept holds for every principal. */
#include "paths.h"

#include <string.h>
#include <swos/hot.h>
#include <swos/protocol.h>

#define PRINCIPAL_SYSTEM 0
#define PRINCIPAL_ROOT 1
#define ANYBODY_EXECUTES 0101 /* the owner and everyone else */

SW_HOT bool image_may(const struct image_inode *inode, uint32_t principal, uint32_t wanted)
{
    if (principal == PRINCIPAL_SYSTEM) {
        return true;
    }
    if (principal == PRINCIPAL_ROOT) {
        return !(wanted & MAY_EXECUTE) || inode->kind == SW_FILE_DIRECTORY || (inode->mode & 0111);
    }
    return (inode->mode >> (inode->owner == principal ? 6 : 0) & wanted) == wanted;
}

bool image_reaches(const struct image *image, uint32_t principal, uint32_t number)
{
    while (number != 0) {
        number = image->inodes[number].parent; /* a smaller one */
        if (!image_may(&image->inodes[number], principal, MAY_EXECUTE)) {
            return false;
        }
    }
    return true;
}

/* Where a path is kept, if it is: one place for each, so a newer path may displace an older one. */
static struct path_entry *entry_of(struct path_cache *cache, const char *path, size_t length)
{
    uint32_t sum =
        (uint32_t)length * 7 + (uint8_t)path[length - 1] + (uint8_t)path[length / 2] * 3u;

    return &cache->entries[(sum ^ sum >> 5) % PATH_CACHE_ENTRIES];
}

static status_t walk(const struct image *image, uint32_t principal, const char *path, size_t length,
                     uint32_t *out_inode, bool *out_open)
{
    uint32_t number = 0;

    *out_open = true;
    while (length > 0) {
        const struct image_inode *inode = &image->inodes[number];
        size_t part = 0;
        bool slash;

        while (part < length && path[part] != '/' && path[part] != '\0') {
            part++;
        }
        slash = part < length;
        if (part == 0 || (slash && (part + 1 == length || path[part] == '\0')) ||
            (path[0] == '.' && (part == 1 || (part == 2 && path[1] == '.')))) {
            return SW_INVALID;
        }
        if (inode->kind != SW_FILE_DIRECTORY) {
            return SW_NOT_DIRECTORY;
        }
        if (!image_may(inode, principal, MAY_EXECUTE)) {
            return SW_ACCESS;
        }
        if ((inode->mode & ANYBODY_EXECUTES) != ANYBODY_EXECUTES) {
            *out_open = false;
        }
        number = image_child(image, number, path, part);
        if (number == 0) {
            return part > IMAGE_NAME_MAX ? SW_NAME_TOO_LONG : SW_NOT_FOUND;
        }
        part += slash ? 1 : 0;
        path += part;
        length -= part;
    }
    *out_inode = number;
    return SW_OK;
}

SW_HOT status_t image_path(const struct image *image, struct path_cache *cache, uint32_t principal,
                           const char *path, size_t length, uint32_t *out_inode)
{
    struct path_entry *entry = NULL;
    bool open;
    status_t status;

    if (length > SW_PATH_MAX) {
        return SW_NAME_TOO_LONG;
    }
    if (length > 0 && length <= PATH_CACHE_LENGTH) {
        entry = entry_of(cache, path, length);
        if (entry->inode && entry->length == length && !memcmp(entry->path, path, length)) {
            *out_inode = entry->inode;
            return SW_OK;
        }
    }
    status = walk(image, principal, path, length, out_inode, &open);
    if (status == SW_OK && entry && open) {
        entry->inode = *out_inode;
        entry->length = (uint8_t)length;
        memcpy(entry->path, path, length);
    }
    return status;
}
