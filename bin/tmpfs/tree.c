/* The tree of tmpfs; see tree.h. */
#include "tree.h"
#include <string.h>

#define MODE_BITS 01777
#define MODE_STICKY 01000

bool inode_allows(const struct inode *inode, uint32_t principal, unsigned want)
{
    unsigned bits = inode->owner == principal ? inode->mode >> 6 : inode->mode;
    return principal_is_privileged(principal) || (bits & want) == want;
}

/* ------------------------------------------------------------------ paths */

static bool is_dots(const char *name, size_t length)
{
    return length <= 2 && name[0] == '.' && name[length - 1] == '.';
}

static status_t path_check(const char *path, size_t length)
{
    if (length > SW_PATH_MAX)
        return SW_NAME_TOO_LONG;
    if (memchr(path, 0, length))
        return SW_INVALID;
    for (size_t start = 0; start < length;) {
        const char *slash = memchr(path + start, '/', length - start);
        size_t end = slash ? (size_t)(slash - path) : length;
        if (end == start || is_dots(path + start, end - start) || (slash && end + 1 == length))
            return SW_INVALID;
        if (end - start > NAME_MAX_BYTES)
            return SW_NAME_TOO_LONG;
        start = end + 1;
    }
    return SW_OK;
}

/* Goes one name down from a directory. */
static status_t step(const struct store *store, uint32_t principal, uint32_t directory,
                     const char *name, size_t length, uint32_t *out_inode)
{
    const struct inode *inode = &store->inodes[directory];
    if (inode->kind != SW_FILE_DIRECTORY)
        return SW_NOT_DIRECTORY;
    if (!inode_allows(inode, principal, WANT_SEARCH))
        return SW_ACCESS;
    *out_inode = name_find(store, directory, name, length);
    return SW_OK;
}

status_t tree_place(const struct store *store, uint32_t principal, const char *path, size_t length,
                    struct tree_place *out_place)
{
    status_t status = path_check(path, length);
    if (status != SW_OK)
        return status;
    if (length == 0)
        return SW_BUSY;
    uint32_t directory = ROOT;
    for (;;) {
        uint32_t next;
        const char *slash = memchr(path, '/', length);
        size_t name_length = slash ? (size_t)(slash - path) : length;
        if ((status = step(store, principal, directory, path, name_length, &next)) != SW_OK)
            return status;
        if (!slash) {
            *out_place = (struct tree_place){ directory, path, name_length, next };
            return SW_OK;
        }
        if (next == NONE)
            return SW_NOT_FOUND;
        directory = next;
        length -= name_length + 1;
        path = slash + 1;
    }
}

status_t tree_find(const struct store *store, uint32_t principal, const char *path, size_t length,
                   uint32_t *out_inode)
{
    struct tree_place place;
    if (length == 0) {
        *out_inode = ROOT;
        return SW_OK;
    }
    status_t status = tree_place(store, principal, path, length, &place);
    if (status == SW_OK && place.inode == NONE)
        status = SW_NOT_FOUND;
    if (status == SW_OK)
        *out_inode = place.inode;
    return status;
}

/* ------------------------------------------------------------------ making and removing */

status_t tree_may_create(struct store *store, uint32_t principal, const struct tree_place *place,
                         uint32_t *out_inode)
{
    if (place->inode != NONE)
        return SW_EXISTS;
    if (!inode_allows(&store->inodes[place->directory], principal, WANT_WRITE | WANT_SEARCH))
        return SW_ACCESS;
    return inode_allocate(store, out_inode);
}

static void name_set(struct inode *inode, const struct tree_place *place)
{
    inode->parent = place->directory;
    inode->name_length = (uint16_t)place->name_length;
    memset(inode->name, 0, sizeof(inode->name));
    memcpy(inode->name, place->name, place->name_length);
}

void tree_create(struct store *store, uint32_t principal, const struct tree_place *place,
                 uint32_t inode, uint32_t kind, uint32_t mode, uint64_t now)
{
    struct inode *image = change_inode(store, inode);
    memset(image, 0, sizeof(*image));
    image->kind = kind;
    image->generation = generation_next(store);
    image->mode = mode & MODE_BITS;
    image->owner = principal;
    image->mtime = now;
    name_set(image, place);
    change_inode(store, place->directory)->mtime = now;
    change_commit(store);
    inode_taken(store);
    inode_linked(store, inode);
}

/* In a sticky directory only the owner of the entry or of the directory takes a name away. */
static bool may_remove(const struct store *store, uint32_t principal, uint32_t directory,
                       uint32_t inode)
{
    const struct inode *parent = &store->inodes[directory];
    return inode_allows(parent, principal, WANT_WRITE | WANT_SEARCH) &&
           (!(parent->mode & MODE_STICKY) || principal_is_privileged(principal) ||
            parent->owner == principal || store->inodes[inode].owner == principal);
}

static status_t check_remove(const struct store *store, uint32_t principal,
                             const struct tree_place *place)
{
    if (place->inode == NONE)
        return SW_NOT_FOUND;
    return may_remove(store, principal, place->directory, place->inode) ? SW_OK : SW_ACCESS;
}

/* Adds to the change that an inode loses its name: open files stay, nameless. */
static void remove_image(struct store *store, uint32_t inode)
{
    struct inode *image = change_inode(store, inode);
    if (store->nodes[inode].opens == 0) {
        memset(image, 0, sizeof(*image));
        return;
    }
    image->parent = NONE;
    image->name_length = 0;
}

/* After the change: gives back what the inode had. */
static void remove_rest(struct store *store, uint32_t inode, uint64_t size)
{
    if (store->inodes[inode].kind != 0)
        return;
    page_drop(store, inode, 0, page_span(size));
    inode_freed(store, inode);
}

static void remove_name(struct store *store, const struct tree_place *place, uint64_t now)
{
    uint64_t size = store->inodes[place->inode].size;
    inode_unlinking(store, place->inode);
    remove_image(store, place->inode);
    change_inode(store, place->directory)->mtime = now;
    change_commit(store);
    remove_rest(store, place->inode, size);
}

status_t tree_unlink(struct store *store, uint32_t principal, const struct tree_place *place,
                     uint64_t now)
{
    status_t status = check_remove(store, principal, place);
    if (status != SW_OK)
        return status;
    if (store->inodes[place->inode].kind == SW_FILE_DIRECTORY)
        return SW_IS_DIRECTORY;
    remove_name(store, place, now);
    return SW_OK;
}

status_t tree_rmdir(struct store *store, uint32_t principal, const struct tree_place *place,
                    uint64_t now)
{
    status_t status = check_remove(store, principal, place);
    if (status != SW_OK)
        return status;
    if (store->inodes[place->inode].kind != SW_FILE_DIRECTORY)
        return SW_NOT_DIRECTORY;
    if (store->nodes[place->inode].children > 0)
        return SW_NOT_EMPTY;
    remove_name(store, place, now);
    return SW_OK;
}

static bool lies_in(const struct store *store, uint32_t inode, uint32_t directory)
{
    while (inode != directory && inode != ROOT)
        inode = store->inodes[inode].parent;
    return inode == directory;
}

static status_t check_rename(const struct store *store, uint32_t principal,
                             const struct tree_place *from, const struct tree_place *to)
{
    status_t status = check_remove(store, principal, from);
    if (status != SW_OK)
        return status;
    bool moves_directory = store->inodes[from->inode].kind == SW_FILE_DIRECTORY;
    if (moves_directory && lies_in(store, to->directory, from->inode))
        return SW_INVALID;
    if (to->inode == NONE)
        return inode_allows(&store->inodes[to->directory], principal, WANT_WRITE | WANT_SEARCH)
                   ? SW_OK
                   : SW_ACCESS;
    if (!may_remove(store, principal, to->directory, to->inode))
        return SW_ACCESS;
    bool replaces_directory = store->inodes[to->inode].kind == SW_FILE_DIRECTORY;
    if (moves_directory != replaces_directory)
        return replaces_directory ? SW_IS_DIRECTORY : SW_NOT_DIRECTORY;
    return store->nodes[to->inode].children > 0 ? SW_NOT_EMPTY : SW_OK;
}

status_t tree_rename(struct store *store, uint32_t principal, const struct tree_place *from,
                     const struct tree_place *to, uint64_t now)
{
    status_t status = check_rename(store, principal, from, to);
    if (status != SW_OK || from->inode == to->inode)
        return status;
    uint64_t size = 0;
    if (to->inode != NONE) {
        size = store->inodes[to->inode].size;
        inode_unlinking(store, to->inode);
        remove_image(store, to->inode);
    }
    inode_unlinking(store, from->inode);
    name_set(change_inode(store, from->inode), to);
    change_inode(store, from->directory)->mtime = now;
    change_inode(store, to->directory)->mtime = now;
    change_commit(store);
    inode_linked(store, from->inode);
    if (to->inode != NONE)
        remove_rest(store, to->inode, size);
    return SW_OK;
}

/* ------------------------------------------------------------------ attributes */

status_t tree_chmod(struct store *store, uint32_t principal, uint32_t inode, uint32_t mode)
{
    if (mode & ~07777u)
        return SW_INVALID;
    if (!principal_is_privileged(principal) && store->inodes[inode].owner != principal)
        return SW_ACCESS;
    change_inode(store, inode)->mode = mode & MODE_BITS;
    change_commit(store);
    return SW_OK;
}

status_t tree_chown(struct store *store, uint32_t principal, uint32_t inode, uint32_t owner)
{
    if (!principal_is_privileged(principal))
        return SW_ACCESS;
    change_inode(store, inode)->owner = owner;
    change_commit(store);
    return SW_OK;
}

/* Whoever may write a file may set its time, for `touch` of another's file is no more than a
 * write that changes nothing. */
status_t tree_set_time(struct store *store, uint32_t principal, uint32_t inode, uint64_t mtime)
{
    const struct inode *present = &store->inodes[inode];
    if (present->owner != principal && !inode_allows(present, principal, WANT_WRITE))
        return SW_ACCESS;
    change_inode(store, inode)->mtime = mtime;
    change_commit(store);
    return SW_OK;
}

void tree_attributes(const struct store *store, uint32_t inode, struct sw_attributes *out)
{
    const struct inode *from = &store->inodes[inode];
    bool directory = from->kind == SW_FILE_DIRECTORY;
    *out = (struct sw_attributes){
        .id = (uint64_t)from->generation << 32 | inode,
        .size = from->size,
        .mtime = from->mtime,
        .mode = from->mode,
        .owner = from->owner,
        .kind = from->kind,
        .links = from->parent == NONE ? 0
                 : directory          ? 2
                                      : 1,
    };
}

/* A cookie is the number of the next inode to look at. */
void tree_list(const struct store *store, uint32_t directory, uint64_t cookie, uint8_t *buffer,
               size_t capacity, size_t *out_bytes, uint32_t *out_count, uint64_t *out_next)
{
    uint32_t left = store->nodes[directory].children;
    bool from_start = cookie == 0;
    *out_bytes = 0;
    *out_count = 0;
    *out_next = 0;
    for (uint64_t number = from_start ? ROOT + 1 : cookie; number < store->inodes_ready; number++) {
        const struct inode *inode = &store->inodes[number];
        if (from_start && *out_count == left)
            return;
        if (inode->kind == 0 || inode->parent != directory)
            continue;
        size_t size = sizeof(struct sw_attributes) + sizeof(uint16_t) + inode->name_length;
        size_t padded = (size + 7) / 8 * 8;
        if (padded > capacity - *out_bytes) {
            *out_next = number;
            return;
        }
        uint8_t *at = buffer + *out_bytes;
        struct sw_attributes attributes;
        tree_attributes(store, (uint32_t)number, &attributes);
        memcpy(at, &attributes, sizeof(attributes));
        memcpy(at + sizeof(attributes), &inode->name_length, sizeof(uint16_t));
        memcpy(at + sizeof(attributes) + sizeof(uint16_t), inode->name, inode->name_length);
        memset(at + size, 0, padded - size);
        *out_bytes += padded;
        ++*out_count;
    }
}
