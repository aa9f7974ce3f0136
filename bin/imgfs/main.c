/* imgfs: serves the signed base image (protocol `file`, runtime/abi/protocols).
 *
 * Start handles: `serve` (channel), `disk/N` and `block` (blkd), `code` (authority to mint), `log`,
 * optionally `names` (to say ready), `bundle`, `relocated`, `programs` (to share the boot bundle's
 * pages). It serves only after the image is mounted; otherwise its exit status says why
 * (enum image_error). Stateless: no open files, only caches. One thread; a call that needs
 * something from the disk is deferred until that is there (load.h), so that it holds up nobody.
 *
 * What a caller may do is decided by the capability bits and the principal the kernel stamped on
 * the call, against owner and mode of the inode and of every directory on the way. */
#include <string.h>
#include <swos/hot.h>
#include <swos/log.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>

#include "base.h"
#include "load.h"
#include "paths.h"
#include "program.h"

static struct base base;

static struct path_cache paths;

static bool may(const struct sw_request *request, const struct image_inode *inode, uint32_t wanted)
{
    return image_may(inode, request->event.principal, wanted);
}

/* A connection with badge N sees only what lies below the directory with the id N, as its root; with badge 0
 * everything. init makes them. */
static bool root_of(const struct sw_request *request, uint32_t *out_root)
{
    uint64_t badge = request->event.badge;

    *out_root = badge ? (uint32_t)badge - 1 : 0;
    return badge <= base.image.super.inode_count;
}

static bool is_visible(const struct sw_request *request, uint32_t number)
{
    uint32_t root;

    if (!root_of(request, &root)) {
        return false;
    }
    while (number != root && number != 0) {
        number = base.image.inodes[number].parent; /* a smaller one */
    }
    return number == root;
}

/* The path of an inode from the image's root and a slash, to the end of the buffer's first `end` bytes; where
 * it begins, SIZE_MAX when it is too long. The root's is empty. */
static size_t path_of(uint32_t number, char *buffer, size_t end)
{
    while (number != 0) {
        const struct image_inode *inode = &base.image.inodes[number];

        if (end < inode->name_length + 1u) {
            return SIZE_MAX;
        }
        buffer[--end] = '/';
        end -= inode->name_length;
        memcpy(buffer + end, image_name(&base.image, inode), inode->name_length);
        number = inode->parent;
    }
    return end;
}

/* Not part of walk(): most calls have no use for its pages of stack. */
__attribute__((noinline)) static status_t
walk_below(const struct sw_request *request, const char *path, size_t length, uint32_t *out_inode)
{
    char full[2 * SW_PATH_MAX];
    uint32_t root;
    size_t start;

    if (!root_of(request, &root)) {
        return SW_NOT_FOUND;
    }
    start = path_of(root, full, SW_PATH_MAX);
    if (start == SIZE_MAX || length > SW_PATH_MAX) {
        return SW_NAME_TOO_LONG;
    }
    memcpy(full + SW_PATH_MAX, path, length);
    length += SW_PATH_MAX - start;
    if (length > 0 && full[start + length - 1] == '/' && length == SW_PATH_MAX - start) {
        length--; /* the folder itself */
    }
    return image_path(&base.image, &paths, request->event.principal, full + start, length,
                      out_inode);
}

static SW_HOT status_t walk(const struct sw_request *request, const char *path, size_t length,
                            uint32_t *out_inode)
{
    if (request->event.badge != 0) {
        return walk_below(request, path, length, out_inode);
    }
    return image_path(&base.image, &paths, request->event.principal, path, length, out_inode);
}

static void attributes_fill(uint32_t number, struct sw_attributes *out)
{
    const struct image_inode *inode = &base.image.inodes[number];

    *out = (struct sw_attributes){
        .id = number + 1ull,
        .size = inode->size,
        .mtime = inode->mtime,
        .mode = inode->mode,
        .owner = inode->owner,
        .kind = inode->kind,
        .links = 1,
    };
}

static SW_HOT status_t handle_open(struct sw_request *request,
                                   const struct sw_file_open_request *in, const char *path,
                                   size_t path_length, struct sw_file_open_reply *out)
{
    const uint32_t changes = SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE | SW_OPEN_APPEND;
    const struct image_inode *inode;
    uint32_t number;
    handle_t memory;
    status_t status = SW_OK;

    if (in->flags & changes) {
        status = sw_request_need(request, SW_CAP_TMP_WRITE);
    }
    if (status == SW_OK && ((in->flags & SW_OPEN_READ) || !(in->flags & changes))) {
        status = sw_request_need(request, SW_CAP_FS_READ);
    }
    if (status != SW_OK) {
        return status;
    }
    status = walk(request, path, path_length, &number);
    if (status != SW_OK) {
        return status == SW_NOT_FOUND && (in->flags & SW_OPEN_CREATE) ? SW_READ_ONLY : status;
    }
    if ((in->flags & SW_OPEN_CREATE) && (in->flags & SW_OPEN_EXCLUSIVE)) {
        return SW_EXISTS;
    }
    inode = &base.image.inodes[number];
    attributes_fill(number, &out->attributes);
    out->form = 2;
    if (inode->kind == SW_FILE_DIRECTORY) {
        return in->flags & changes             ? SW_IS_DIRECTORY
               : in->flags & SW_OPEN_DIRECTORY ? SW_OK
                                               : SW_IS_DIRECTORY;
    }
    if (in->flags & SW_OPEN_DIRECTORY) {
        return SW_NOT_DIRECTORY;
    }
    if (in->flags & (SW_OPEN_WRITE | SW_OPEN_TRUNCATE | SW_OPEN_APPEND)) {
        return SW_READ_ONLY;
    }
    if (!may(request, inode, MAY_READ)) {
        return SW_ACCESS;
    }
    if (inode->size > SW_FILE_EXTENT) {
        return SW_OK;
    }
    status = base_content(&base, number, EXTENT_WHOLE, &memory);
    if (status == SW_NOT_FOUND) {
        return load_wait(request, LOAD_OPEN, number, EXTENT_WHOLE);
    }
    if (status == SW_OK) {
        out->form = 1;
        request->send[0] = memory;
        request->send_count = 1;
    }
    return status;
}

static status_t handle_stat(struct sw_request *request, const struct sw_file_stat_request *in,
                            const char *path, size_t path_length, struct sw_file_stat_reply *out)
{
    uint32_t number;
    status_t status = walk(request, path, path_length, &number);

    (void)in;
    if (status == SW_OK) {
        attributes_fill(number, &out->attributes);
    }
    return status;
}

/* Entries go to the caller in pieces of this; the longest entry fits. */
#define LIST_PIECE 1024

static status_t handle_list(struct sw_request *request, const struct sw_file_list_request *in,
                            const char *path, size_t path_length, struct sw_file_list_reply *out)
{
    _Alignas(8) uint8_t piece[LIST_PIECE];
    const struct image_inode *inode;
    uint64_t position = in->cookie, written = 0, done;
    uint32_t number, used = 0;
    status_t status = walk(request, path, path_length, &number);

    if (status != SW_OK) {
        return status;
    }
    inode = &base.image.inodes[number];
    if (inode->kind != SW_FILE_DIRECTORY) {
        return SW_NOT_DIRECTORY;
    }
    if (!may(request, inode, MAY_READ)) {
        return SW_ACCESS;
    }
    while (position < inode->child_count) {
        uint32_t child = inode->first_child + (uint32_t)position;
        const struct image_inode *entry = &base.image.inodes[child];
        uint16_t length = entry->name_length;
        uint32_t size =
            (uint32_t)(sizeof(struct sw_attributes) + sizeof(length) + length + 7u) & ~7u;

        if (written + used + size > request->event.data_length) {
            break;
        }
        if (used + size > sizeof(piece)) {
            status = sw_call_write(request->event.token, written, piece, used, &done);
            if (status != SW_OK) {
                return status;
            }
            written += used;
            used = 0;
        }
        memset(piece + used, 0, size);
        attributes_fill(child, (struct sw_attributes *)(piece + used));
        memcpy(piece + used + sizeof(struct sw_attributes), &length, sizeof(length));
        memcpy(piece + used + sizeof(struct sw_attributes) + sizeof(length),
               image_name(&base.image, entry), length);
        used += size;
        out->count++;
        position++;
    }
    if (used > 0) {
        status = sw_call_write(request->event.token, written, piece, used, &done);
        written += used;
    }
    if (status == SW_OK && position < inode->child_count && out->count == 0) {
        return SW_TOO_LARGE; /* not even one entry fits the caller's buffer */
    }
    out->next = position < inode->child_count ? position : 0;
    out->bytes = (uint32_t)written;
    return status;
}

/* The answer of open_program; returns the number of handles in `send`. */
static uint32_t program_fill(uint32_t number, const struct program *program, handle_t *send,
                             struct sw_file_open_program_reply *out)
{
    uint32_t count = 0;

    attributes_fill(number, &out->attributes);
    out->form = program->form;
    out->program = program->program;
    while (count < SW_HANDLES_MAX && program->memory[count]) {
        send[count] = program->memory[count];
        count++;
    }
    return count;
}

static status_t handle_open_program(struct sw_request *request,
                                    const struct sw_file_open_program_request *in, const char *path,
                                    size_t path_length, struct sw_file_open_program_reply *out)
{
    const struct program *program;
    const struct image_inode *inode;
    uint32_t number;
    status_t status = walk(request, path, path_length, &number);

    (void)in;
    if (status != SW_OK) {
        return status;
    }
    inode = &base.image.inodes[number];
    if (inode->kind != SW_FILE_REGULAR) {
        return SW_IS_DIRECTORY;
    }
    /* principal 0 too: a data file is no program because the system asks for it */
    if (!(inode->mode & 0111) || !may(request, inode, MAY_EXECUTE)) {
        return SW_ACCESS;
    }
    status = program_open(&base, number, &program);
    if (status == SW_NOT_FOUND) {
        return load_wait(request, LOAD_PROGRAM, number, EXTENT_WHOLE);
    }
    if (status == SW_OK) {
        request->send_count = program_fill(number, program, request->send, out);
    }
    return status;
}

static status_t handle_extent(struct sw_request *request, const struct sw_file_extent_request *in,
                              struct sw_file_extent_reply *out)
{
    const struct image_inode *inode;
    handle_t memory;
    status_t status;

    (void)out;
    if (in->id == 0 || in->id > base.image.super.inode_count) {
        return SW_NOT_FOUND;
    }
    if (!is_visible(request, (uint32_t)in->id - 1) ||
        !image_reaches(&base.image, request->event.principal, (uint32_t)in->id - 1)) {
        return SW_ACCESS;
    }
    inode = &base.image.inodes[in->id - 1];
    if (inode->kind != SW_FILE_REGULAR) {
        return SW_IS_DIRECTORY;
    }
    if (!may(request, inode, MAY_READ)) {
        return SW_ACCESS;
    }
    if (inode->size == 0 || in->index > (inode->size - 1) / SW_FILE_EXTENT) {
        return SW_OUT_OF_RANGE;
    }
    status = base_content(&base, (uint32_t)in->id - 1, (uint32_t)in->index, &memory);
    if (status == SW_NOT_FOUND) {
        return load_wait(request, LOAD_EXTENT, (uint32_t)in->id - 1, (uint32_t)in->index);
    }
    if (status == SW_OK) {
        request->send[0] = memory;
        request->send_count = 1;
    }
    return status;
}

/* Answers a call that waited for content; what it may do was checked before it waited. */
static void answer_loaded(enum load_purpose purpose, uint64_t token, uint32_t number,
                          uint32_t extent, status_t status)
{
    union {
        struct sw_file_open_reply open;
        struct sw_file_open_program_reply program;
        struct sw_file_extent_reply extent;
    } reply = { 0 };
    uint32_t length, count = 1;
    handle_t send[SW_HANDLES_MAX] = { 0 };
    const struct program *program;

    switch (purpose) {
    case LOAD_OPEN:
        attributes_fill(number, &reply.open.attributes);
        reply.open.form = 1;
        length = sizeof(reply.open);
        break;
    case LOAD_PROGRAM:
        length = sizeof(reply.program);
        if (status == SW_OK && (status = program_open(&base, number, &program)) == SW_OK) {
            count = program_fill(number, program, send, &reply.program);
        }
        break;
    default:
        length = sizeof(reply.extent);
    }
    if (status == SW_OK && purpose != LOAD_PROGRAM) {
        status = base_content(&base, number, extent, &send[0]);
    }
    sw_server_answer(token, status, 0, &reply, length, send, status == SW_OK ? count : 0, 0);
}

static status_t handle_space(struct sw_request *request, const struct sw_file_space_request *in,
                             struct sw_file_space_reply *out)
{
    (void)request;
    (void)in;
    out->total = base.image.super.block_count * IMAGE_BLOCK;
    out->files = base.image.super.inode_count;
    out->read_only = 1;
    /* the metadata have the hash of every file */
    memcpy(&out->identity, base.image.super.metadata_hash, sizeof(out->identity));
    return SW_OK;
}

static status_t handle_trim(struct sw_request *request, const struct sw_file_trim_request *in,
                            struct sw_file_trim_reply *out)
{
    (void)request;
    (void)in;
    (void)out;
    base_trim(&base);
    return SW_OK;
}

/* Everything that would change the image; the capability was checked before. */
static status_t handle_mkdir(struct sw_request *request, const struct sw_file_mkdir_request *in,
                             const char *path, size_t path_length, struct sw_file_mkdir_reply *out)
{
    uint32_t number;
    status_t status = walk(request, path, path_length, &number);

    (void)in;
    (void)out;
    return status == SW_OK ? SW_EXISTS : status == SW_NOT_FOUND ? SW_READ_ONLY : status;
}

/* For the operations on one existing path: what is wrong with the path, else READ_ONLY. */
static status_t refuse_change(const struct sw_request *request, const char *path, size_t length)
{
    uint32_t number;
    status_t status = walk(request, path, length, &number);

    return status == SW_OK ? SW_READ_ONLY : status;
}

static status_t handle_rmdir(struct sw_request *request, const struct sw_file_rmdir_request *in,
                             const char *path, size_t path_length, struct sw_file_rmdir_reply *out)
{
    (void)in;
    (void)out;
    return refuse_change(request, path, path_length);
}

static status_t handle_unlink(struct sw_request *request, const struct sw_file_unlink_request *in,
                              const char *path, size_t path_length,
                              struct sw_file_unlink_reply *out)
{
    (void)in;
    (void)out;
    return refuse_change(request, path, path_length);
}

static status_t handle_rename(struct sw_request *request, const struct sw_file_rename_request *in,
                              const char *from, size_t from_length, const char *to,
                              size_t to_length, struct sw_file_rename_reply *out)
{
    (void)in;
    (void)to;
    (void)to_length;
    (void)out;
    return refuse_change(request, from, from_length);
}

static status_t handle_chmod(struct sw_request *request, const struct sw_file_chmod_request *in,
                             const char *path, size_t path_length, struct sw_file_chmod_reply *out)
{
    (void)in;
    (void)out;
    return refuse_change(request, path, path_length);
}

static status_t handle_chown(struct sw_request *request, const struct sw_file_chown_request *in,
                             const char *path, size_t path_length, struct sw_file_chown_reply *out)
{
    (void)in;
    (void)out;
    return refuse_change(request, path, path_length);
}

static status_t handle_set_time(struct sw_request *request,
                                const struct sw_file_set_time_request *in, const char *path,
                                size_t path_length, struct sw_file_set_time_reply *out)
{
    (void)in;
    (void)out;
    return refuse_change(request, path, path_length);
}

static status_t handle_cached(struct sw_request *request, const struct sw_file_cached_request *in,
                              struct sw_file_cached_reply *out)
{
    (void)request;
    (void)in;
    out->bytes = base_cached(&base);
    return SW_OK;
}

static const struct sw_file_handlers handlers = {
    .open = handle_open,
    .stat = handle_stat,
    .list = handle_list,
    .mkdir = handle_mkdir,
    .rmdir = handle_rmdir,
    .unlink = handle_unlink,
    .rename = handle_rename,
    .chmod = handle_chmod,
    .chown = handle_chown,
    .set_time = handle_set_time,
    .open_program = handle_open_program,
    .space = handle_space,
    .extent = handle_extent,
    .trim = handle_trim,
    .cached = handle_cached,
};

static SW_HOT status_t server_message(struct sw_server *server, struct sw_request *request)
{
    (void)server;
    return sw_file_dispatch(&handlers, request);
}

static void server_event(struct sw_server *server, const struct sw_event *event)
{
    (void)server;
    load_event(event);
}

static void server_timeout(struct sw_server *server)
{
    (void)server;
    load_timeout();
}

int main(void)
{
    struct sw_server server = { .message = server_message,
                                .event = server_event,
                                .timeout = server_timeout,
                                .deadline = SW_NEVER };
    enum image_error error;
    status_t status = program_start();

    if (status != SW_OK || !sw_start_get("serve")) {
        sw_log(SW_LOG_ERROR, "start handle missing");
        return IMAGE_NO_HANDLE;
    }
    error = base_mount(&base);
    if (error != IMAGE_OK) {
        return (int)error;
    }
    status = load_start(&base, &server, answer_loaded);
    if (status == SW_OK) {
        status = sw_server_serve(&server, sw_start_get("serve"), 0);
    }
    if (status == SW_OK) {
        if (sw_start_get("names")) {
            sw_service_ready();
        }
        status = sw_server_run(&server);
    }
    sw_log(SW_LOG_ERROR, "stopped: %s", sw_status_text(status));
    return 1;
}
