/* Directories and what is in them: listing, copying, removing. A path is at most SW_PATH_MAX bytes, which
 * bounds how deep these call themselves; what they hold at each depth is on the heap. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/path.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

status_t listing_read(struct listing *listing, const char *path)
{
    struct sw_directory *directory = calloc(1, sizeof(*directory));
    size_t capacity = 0;
    *listing = (struct listing){ NULL, 0 };
    status_t status = directory ? sw_path_resolve(path, &directory->place) : SW_NO_MEMORY;
    while (status == SW_OK) {
        struct sw_attributes attributes;
        const char *name;
        size_t length;
        status = sw_directory_next(directory, &attributes, &name, &length);
        if (status != SW_OK || !name)
            break;
        if (listing->count == capacity) {
            capacity = capacity ? 2 * capacity : 32;
            struct entry *grown = realloc(listing->entries, capacity * sizeof(*grown));
            if (!grown) {
                status = SW_NO_MEMORY;
                break;
            }
            listing->entries = grown;
        }
        char *copy = strndup(name, length);
        if (copy)
            listing->entries[listing->count++] = (struct entry){ attributes, copy };
        else
            status = SW_NO_MEMORY;
    }
    free(directory);
    if (status == SW_OK && listing->count > 0)
        qsort(listing->entries, listing->count, sizeof(struct entry), by_name);
    if (status != SW_OK)
        listing_free(listing);
    return status;
}

void listing_free(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].name);
    free(listing->entries);
    *listing = (struct listing){ NULL, 0 };
}

char *path_below(const char *directory, const char *name)
{
    char *path = malloc(SW_PATH_MAX);
    if (!path)
        out_of_memory(directory);
    if (join(path, directory, name) == SW_OK)
        return path;
    out_flush();
    complain(directory, SW_NAME_TOO_LONG);
    free(path);
    return NULL;
}

int for_each_entry(const char *path,
                   int (*visit)(const char *path, const struct sw_attributes *attributes))
{
    struct listing listing;
    int result = 0;
    status_t status = listing_read(&listing, path);
    if (status != SW_OK) {
        out_flush();
        return complain(path, status);
    }
    for (size_t i = 0; i < listing.count; i++) {
        char *below = path_below(path, listing.entries[i].name);
        result |= below ? visit(below, &listing.entries[i].attributes) : 1;
        free(below);
    }
    listing_free(&listing);
    return result;
}

bool is_directory(const char *path)
{
    struct sw_attributes attributes;
    return sw_path_attributes(path, &attributes) == SW_OK && attributes.kind == SW_FILE_DIRECTORY;
}

/* ---- removing */

static struct remove_options removing;

static int removed(const char *path, status_t status, const char *what)
{
    if (status != SW_OK)
        return complain(path, status);
    if (removing.verbose) {
        out_format("removed %s", what);
        out_text(path);
        out_text("'\n");
    }
    return 0;
}

static int remove_entry(const char *path, const struct sw_attributes *attributes)
{
    bool is_file = attributes->kind != SW_FILE_DIRECTORY;
    if (removing.asks && !confirm(is_file ? "remove file" : "descend into directory", path))
        return 0;
    if (is_file)
        return removed(path, sw_path_unlink(path), "'");
    int result = for_each_entry(path, remove_entry);
    if (result || (removing.asks && !confirm("remove directory", path)))
        return result;
    return removed(path, sw_path_remove_directory(path), "directory '");
}

int remove_tree(const char *path, const struct sw_attributes *attributes,
                const struct remove_options *options)
{
    removing = *options;
    return remove_entry(path, attributes);
}

/* ---- copying */

static struct copy_options copying;

/* 1: the same; 2: `path` lies below `source`. */
static int relation(const char *source, const char *path)
{
    static struct sw_place here, there;
    if (sw_path_resolve(source, &here) != SW_OK || sw_path_resolve(path, &there) != SW_OK)
        return 0;
    if (!strcmp(here.absolute, there.absolute))
        return 1;
    const char *rest;
    return sw_path_below(there.absolute, here.absolute, &rest) ? 2 : 0;
}

/* What -p keeps. Who may not give the file its owner keeps the file. */
static status_t preserve(const char *path, const struct sw_attributes *attributes)
{
    (void)sw_path_set_owner(path, attributes->owner);
    status_t status = sw_path_set_mode(path, attributes->mode);
    return status == SW_OK ? sw_path_set_time(path, attributes->mtime) : status;
}

static int copy_file(const char *source, const char *path, const struct sw_attributes *attributes)
{
    int from, to;
    status_t status = sw_fd_open(source, SW_OPEN_READ, 0, &from);
    if (status != SW_OK)
        return complain(source, status);
    uint32_t flags = SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE;
    status = sw_fd_open(path, flags, attributes->mode & 0777, &to);
    if (status == SW_ACCESS && copying.force && sw_path_unlink(path) == SW_OK)
        status = sw_fd_open(path, flags, attributes->mode & 0777, &to);
    if (status != SW_OK) {
        sw_fd_close(from);
        return complain(path, status);
    }
    if (copying.verbose)
        out_arrow("", source, path);
    bool reading = false;
    status = copy_all(from, to, &reading);
    sw_fd_close(from);
    sw_fd_close(to);
    if (status == SW_OK && copying.preserve) {
        reading = false;
        status = preserve(path, attributes);
    }
    return status == SW_OK ? 0 : complain(reading ? source : path, status);
}

static int copy_entry(const char *source, const char *path, const struct sw_attributes *attributes);

static int copy_directory(const char *source, const char *path,
                          const struct sw_attributes *attributes)
{
    bool made = false;
    if (!is_directory(path)) {
        status_t status = sw_path_make_directory(path, attributes->mode | 0700);
        if (status != SW_OK)
            return complain(path, status);
        if (copying.verbose)
            out_arrow("", source, path);
        made = true;
    }
    struct listing listing;
    int result = 0;
    status_t status = listing_read(&listing, source);
    if (status != SW_OK)
        return complain(source, status);
    for (size_t i = 0; i < listing.count; i++) {
        char *from = path_below(source, listing.entries[i].name);
        char *to = from ? path_below(path, listing.entries[i].name) : NULL;
        result |= to ? copy_entry(from, to, &listing.entries[i].attributes) : 1;
        free(from);
        free(to);
    }
    listing_free(&listing);
    if (copying.preserve)
        status = preserve(path, attributes);
    else if (made && (attributes->mode | 0700) != attributes->mode)
        status = sw_path_set_mode(path, attributes->mode);
    return status == SW_OK ? result : complain(path, status);
}

static int copy_entry(const char *source, const char *path, const struct sw_attributes *attributes)
{
    if (attributes->kind == SW_FILE_DIRECTORY)
        return copy_directory(source, path, attributes);
    struct sw_attributes there;
    if ((copying.keep || copying.asks) && sw_path_attributes(path, &there) == SW_OK &&
        (copying.keep || !confirm("overwrite", path)))
        return 0;
    return copy_file(source, path, attributes);
}

int copy_tree(const char *source, const char *path, const struct copy_options *options)
{
    struct sw_attributes attributes;
    copying = *options;
    status_t status = sw_path_attributes(source, &attributes);
    if (status == SW_OK && attributes.kind == SW_FILE_DIRECTORY && !copying.recursive)
        status = SW_IS_DIRECTORY;
    if (status != SW_OK)
        return complain(source, status);
    int same = relation(source, path);
    if (same && attributes.kind == SW_FILE_DIRECTORY)
        return complain_text(source, "cannot copy a directory into itself");
    if (same == 1) /* opening the target would empty the source */
        return complain_text(path, "is the same file");
    return copy_entry(source, path, &attributes);
}
