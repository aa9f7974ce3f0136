/* Files that are open. See files.h. */
#include "files.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/log.h>

static const char *root_path;
static uint64_t identity; /* of an image: the same only while all its files are the same; else 0 */
static struct file *kept[FILES_KEPT];

status_t files_open(const char *root)
{
    struct sw_attributes attributes;
    struct sw_file_space_reply space;
    struct sw_place place;
    status_t status = sw_path_attributes(root, &attributes);

    if (status != SW_OK)
        return status;
    if (attributes.kind != SW_FILE_DIRECTORY)
        return SW_NOT_DIRECTORY;
    if ((status = sw_path_resolve(root, &place)) != SW_OK ||
        (status = sw_file_space(place.connection, &space, SW_NEVER)) != SW_OK)
        return status;
    identity = space.identity;
    root_path = root;
    return SW_OK;
}

/* ROOT/PATH; false: too long. */
static bool files_path(const char *path, size_t length, char out[SW_PATH_MAX])
{
    size_t root = strlen(root_path);

    if (root + 1 + length >= SW_PATH_MAX)
        return false;
    memcpy(out, root_path, root);
    out[root] = '/';
    memcpy(out + root + 1, path, length);
    out[root + 1 + length] = 0;
    return true;
}

/* Whether everyone may read what lies there: the server may read more than those it serves. */
static bool is_public(const char *path, size_t length, const struct sw_attributes *attributes)
{
    struct sw_attributes parent;
    char full[SW_PATH_MAX];

    if (!(attributes->mode & 0004))
        return false;
    for (size_t i = 0; i < length; i++)
        if (path[i] == '/' && (!files_path(path, i, full) ||
                               sw_path_attributes(full, &parent) != SW_OK || !(parent.mode & 0001)))
            return false;
    return true;
}

status_t files_directory(const char *path, size_t length, char out_full[SW_PATH_MAX])
{
    struct sw_attributes attributes;

    if (!files_path(path, length, out_full))
        return SW_NAME_TOO_LONG;
    status_t status = sw_path_attributes(out_full, &attributes);
    if (status == SW_OK && !is_public(path, length, &attributes))
        status = SW_ACCESS;
    return status;
}

static uint32_t hash_of(const char *path, size_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)path[i]) * 16777619u;
    return hash;
}

static void file_free(struct file *file)
{
    sw_fd_close(file->fd);
    free(file);
}

/* Not to be found any more; it is freed when nobody uses it. */
static void drop(size_t slot)
{
    struct file *file = kept[slot];

    kept[slot] = NULL;
    file->kept = false;
    if (file->references == 0)
        file_free(file);
}

void file_put(struct file *file)
{
    if (--file->references == 0 && !file->kept)
        file_free(file);
}

/* Into a free place, or that of the one unused for longest; where all are in use, nowhere. */
static void keep(struct file *file)
{
    size_t best = FILES_KEPT;

    for (size_t i = 0; i < FILES_KEPT; i++) {
        if (!kept[i]) {
            best = i;
            break;
        }
        if (kept[i]->references == 0 && (best == FILES_KEPT || kept[i]->used < kept[best]->used))
            best = i;
    }
    if (best == FILES_KEPT)
        return;
    if (kept[best])
        drop(best);
    kept[best] = file;
    file->kept = true;
}

static bool is_same(const struct sw_attributes *a, const struct sw_attributes *b)
{
    return a->id == b->id && a->size == b->size && a->mtime == b->mtime && a->kind == b->kind &&
           a->mode == b->mode && a->owner == b->owner;
}

static void describe(struct file *file, const struct sw_attributes *attributes)
{
    file->attributes = *attributes;
    file->size = attributes->size;
    file->type = media_type(file->path, file->path_length);
    if (identity)
        sw_format(file->etag, sizeof(file->etag), "\"%llx-%llx\"", (unsigned long long)identity,
                  (unsigned long long)attributes->id);
    else
        sw_format(file->etag, sizeof(file->etag), "\"%llx-%llx-%llx\"",
                  (unsigned long long)attributes->id, (unsigned long long)attributes->mtime,
                  (unsigned long long)attributes->size);
    file->modified = attributes->mtime ? (int64_t)(attributes->mtime / SW_SECOND) : -1;
    file->content_length = sw_format(file->content, sizeof(file->content),
                                     "Content-Type: %s\r\nContent-Length: %llu\r\n", file->type,
                                     (unsigned long long)file->size);
    file->fields_length = sw_format(file->fields, sizeof(file->fields),
                                    "ETag: %s\r\nAccept-Ranges: bytes\r\n", file->etag);
    if (file->modified >= 0) {
        char date[HTTP_DATE_SIZE];
        http_date(file->modified, date);
        file->fields_length +=
            sw_format(file->fields + file->fields_length,
                      sizeof(file->fields) - file->fields_length, "Last-Modified: %s\r\n", date);
    }
}

static status_t open_new(const char *path, size_t length, uint32_t hash, const char *full,
                         struct file **out_file)
{
    struct sw_attributes attributes;
    struct file *file = malloc(sizeof(*file) + length + 1);
    status_t status;

    if (!file)
        return SW_NO_MEMORY;
    *file = (struct file){ .references = 1, .hash = hash, .path_length = length };
    memcpy(file->path, path, length);
    file->path[length] = 0;
    if ((status = sw_fd_open(full, SW_OPEN_READ, 0, &file->fd)) != SW_OK)
        goto fail_file;
    if ((status = sw_fd_attributes(file->fd, &attributes)) != SW_OK)
        goto fail_open;
    if (attributes.kind != SW_FILE_REGULAR) {
        status = SW_ACCESS;
        goto fail_open;
    }
    describe(file, &attributes);
    *out_file = file;
    return SW_OK;

fail_open:
    sw_fd_close(file->fd);
fail_file:
    free(file);
    return status;
}

status_t file_get(const char *path, size_t length, uint64_t now, struct file **out_file)
{
    uint32_t hash = hash_of(path, length);
    struct sw_attributes attributes;
    char full[SW_PATH_MAX];
    struct file *file;
    status_t status;

    for (size_t i = 0; i < FILES_KEPT; i++) {
        file = kept[i];
        if (!file || file->hash != hash || file->path_length != length ||
            memcmp(file->path, path, length) != 0)
            continue;
        if (now - file->checked >= SW_SECOND) {
            if (files_path(path, length, full) && sw_path_attributes(full, &attributes) == SW_OK &&
                is_same(&attributes, &file->attributes) && is_public(path, length, &attributes)) {
                file->checked = now;
            } else {
                drop(i);
                break;
            }
        }
        file->used = now;
        file->references++;
        *out_file = file;
        return SW_OK;
    }
    if (!files_path(path, length, full))
        return SW_NAME_TOO_LONG;
    if ((status = sw_path_attributes(full, &attributes)) != SW_OK)
        return status;
    if (attributes.kind == SW_FILE_DIRECTORY)
        return SW_IS_DIRECTORY;
    if (!is_public(path, length, &attributes))
        return SW_ACCESS;
    if ((status = open_new(path, length, hash, full, &file)) != SW_OK)
        return status;
    file->used = file->checked = now;
    keep(file);
    *out_file = file;
    return SW_OK;
}

status_t file_read(struct file *file, uint64_t offset, void *to, size_t length, size_t *out_done)
{
    return sw_fd_read_at(file->fd, to, length, offset, out_done);
}
