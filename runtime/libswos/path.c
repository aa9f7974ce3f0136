/* Paths: the working directory, the table of prefixes, and operations on names. */
#include <string.h>
#include <swos/clock.h>
#include <swos/hot.h>
#include <swos/path.h>
#include <swos/start.h>
#include <swos/sync.h>

static struct sw_mutex directory_lock; /* guards directory */
static char directory[SW_PATH_MAX];    /* working directory in normal form; "" until first used */

/* Call with directory_lock held. */
static const char *directory_now(void)
{
    if (!directory[0]) {
        const struct sw_start *start = sw_start_block();
        const char *given = start->directory.length ? sw_start_text(start->directory.offset) : "/";
        if (sw_path_normalize("/", given, directory) != SW_OK)
            strcpy(directory, "/");
    }
    return directory;
}

SW_HOT status_t sw_path_resolve(const char *path, struct sw_place *place)
{
    if (!path[0])
        return SW_NOT_FOUND;
    status_t status;
    if (path[0] == '/') {
        status = sw_path_normalize("/", path, place->absolute);
    } else {
        sw_mutex_lock(&directory_lock);
        status = sw_path_normalize(directory_now(), path, place->absolute);
        sw_mutex_unlock(&directory_lock);
    }
    if (status != SW_OK)
        return status;
    const struct sw_start_handle *entry, *best = NULL;
    for (size_t i = 0; (entry = sw_start_path_at(i)) != NULL; i++) {
        const char *rest;
        if ((!best || entry->length > best->length) &&
            sw_path_below(place->absolute, sw_start_text(entry->offset), &rest)) {
            best = entry;
            place->path = rest;
        }
    }
    if (!best && !sw_path_is_null(place))
        return SW_NOT_FOUND;
    if (!best)
        place->path = "";
    place->connection = best ? best->handle : 0;
    place->length = strlen(place->path);
    return SW_OK;
}

SW_HOT int sw_path_is_null(const struct sw_place *place)
{
    return strcmp(place->absolute, "/dev/null") == 0;
}

status_t sw_path_directory(char *out, size_t capacity)
{
    sw_mutex_lock(&directory_lock);
    size_t size = strlen(directory_now()) + 1;
    if (size <= capacity)
        memcpy(out, directory, size);
    sw_mutex_unlock(&directory_lock);
    return size <= capacity ? SW_OK : SW_OUT_OF_RANGE;
}

static status_t place_attributes(const struct sw_place *place, struct sw_attributes *out)
{
    if (sw_path_is_null(place)) {
        *out = (struct sw_attributes){ .mode = 0666, .kind = SW_FILE_DEVICE, .links = 1 };
        return SW_OK;
    }
    struct sw_file_stat_reply reply;
    status_t status = sw_file_stat(place->connection, place->path, place->length, &reply, SW_NEVER);
    if (status == SW_OK)
        *out = reply.attributes;
    return status;
}

int sw_path_allows(const struct sw_attributes *attributes, uint32_t bit)
{
    enum { ROOT = 1, OWNER_SHIFT = 6, EXECUTE = 1, ANYBODY_EXECUTES = 0111 };
    struct sw_process_info own;
    if (sw_process_info(0, &own) != SW_OK)
        return 0;
    if (own.principal <= ROOT)
        return bit != EXECUTE || attributes->kind == SW_FILE_DIRECTORY ||
               (attributes->mode & ANYBODY_EXECUTES) != 0;
    if (attributes->owner == own.principal)
        bit <<= OWNER_SHIFT;
    return (attributes->mode & bit) != 0;
}

status_t sw_path_change_directory(const char *path)
{
    struct sw_place place;
    struct sw_attributes attributes;
    status_t status = sw_path_resolve(path, &place);
    if (status == SW_OK)
        status = place_attributes(&place, &attributes);
    if (status != SW_OK)
        return status;
    if (attributes.kind != SW_FILE_DIRECTORY)
        return SW_NOT_DIRECTORY;
    if (!sw_path_allows(&attributes, 1))
        return SW_ACCESS;
    sw_mutex_lock(&directory_lock);
    strcpy(directory, place.absolute);
    sw_mutex_unlock(&directory_lock);
    return SW_OK;
}

status_t sw_path_attributes(const char *path, struct sw_attributes *out)
{
    struct sw_place place;
    status_t status = sw_path_resolve(path, &place);
    return status == SW_OK ? place_attributes(&place, out) : status;
}

/* A path to be changed: /dev/null cannot be. */
static status_t resolve_changeable(const char *path, struct sw_place *place)
{
    status_t status = sw_path_resolve(path, place);
    return status == SW_OK && sw_path_is_null(place) ? SW_ACCESS : status;
}

status_t sw_path_make_directory(const char *path, uint32_t mode)
{
    struct sw_place place;
    status_t status = resolve_changeable(path, &place);
    if (status != SW_OK)
        return status;
    if (place.length == 0)
        return SW_EXISTS;
    return sw_file_mkdir(place.connection, mode, place.path, place.length, SW_NEVER);
}

status_t sw_path_remove_directory(const char *path)
{
    struct sw_place place;
    status_t status = resolve_changeable(path, &place);
    if (status != SW_OK)
        return status;
    if (place.length == 0)
        return SW_BUSY;
    return sw_file_rmdir(place.connection, place.path, place.length, SW_NEVER);
}

status_t sw_path_unlink(const char *path)
{
    struct sw_place place;
    status_t status = resolve_changeable(path, &place);
    if (status != SW_OK)
        return status;
    return sw_file_unlink(place.connection, place.path, place.length, SW_NEVER);
}

status_t sw_path_rename(const char *from, const char *to)
{
    struct sw_place old, new;
    status_t status = resolve_changeable(from, &old);
    if (status == SW_OK)
        status = resolve_changeable(to, &new);
    if (status != SW_OK)
        return status;
    if (old.connection != new.connection)
        return SW_CROSS_DEVICE;
    if (old.length == 0 || new.length == 0)
        return SW_BUSY;
    return sw_file_rename(old.connection, old.path, old.length, new.path, new.length, SW_NEVER);
}

status_t sw_path_set_mode(const char *path, uint32_t mode)
{
    struct sw_place place;
    status_t status = resolve_changeable(path, &place);
    if (status != SW_OK)
        return status;
    return sw_file_chmod(place.connection, mode, place.path, place.length, SW_NEVER);
}

status_t sw_path_set_owner(const char *path, uint32_t owner)
{
    struct sw_place place;
    status_t status = resolve_changeable(path, &place);
    if (status != SW_OK)
        return status;
    return sw_file_chown(place.connection, owner, place.path, place.length, SW_NEVER);
}

status_t sw_path_set_time(const char *path, uint64_t mtime)
{
    struct sw_place place;
    status_t status = resolve_changeable(path, &place);
    if (status != SW_OK)
        return status;
    return sw_file_set_time(place.connection, mtime, place.path, place.length, SW_NEVER);
}

status_t sw_directory_next(struct sw_directory *iterator, struct sw_attributes *out_attributes,
                           const char **out_name, size_t *out_length)
{
    *out_name = NULL;
    while (iterator->count == 0) {
        if (iterator->ended)
            return SW_OK;
        struct sw_file_list_reply reply;
        status_t status = sw_file_list(
            iterator->place.connection, iterator->cookie, iterator->place.path,
            iterator->place.length, iterator->buffer, sizeof(iterator->buffer), &reply, SW_NEVER);
        if (status != SW_OK)
            return status;
        /* A server that goes on without an entry would have us ask for ever. */
        if (reply.bytes > sizeof(iterator->buffer) || (reply.count == 0 && reply.next != 0))
            return SW_BAD_MESSAGE;
        iterator->cookie = reply.next;
        iterator->ended = reply.next == 0;
        iterator->count = reply.count;
        iterator->used = reply.bytes;
        iterator->at = 0;
    }
    uint16_t length;
    size_t head = sizeof(struct sw_attributes) + sizeof(length);
    uint8_t *entry = iterator->buffer + iterator->at;
    if (iterator->used - iterator->at < head)
        return SW_BAD_MESSAGE;
    memcpy(&length, entry + sizeof(struct sw_attributes), sizeof(length));
    size_t size = (head + length + 7) & ~(size_t)7;
    if (length == 0 || iterator->used - iterator->at < size)
        return SW_BAD_MESSAGE;
    memcpy(out_attributes, entry, sizeof(*out_attributes));
    *out_name = (const char *)entry + head;
    *out_length = length;
    iterator->at += (uint32_t)size;
    iterator->count--;
    return SW_OK;
}
