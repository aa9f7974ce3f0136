/* tmpfs: the file server of /tmp (protocol `file`).
 *
 * One thread; every request is handled at once. Bytes of files are copied by the kernel between
 * the caller's buffer and the mapped arena. What outlives the process lies in two memory objects
 * in kept slots of the service's job (vault.h); a successor repairs them and goes on, open file
 * connections included, for those name a slot of the vault and a generation by their badge:
 *   bit 63 1, bits 62..32 generation, bits 31..0 slot. Badges with bit 63 0 are init's: the tree.
 * Authority: opening checks capability bits, owner and mode; a file connection carries what its
 * open was granted, and can do nothing to the tree. */
#include "content.h"
#include "tree.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>

#define BADGE_FILE (1ull << 63)
#define ARENA_LEAST (1u << 20)
#define LIST_PIECE 2048

enum kept { KEPT_ARENA, KEPT_VAULT };

static struct tmpfs {
    struct store store;
    handle_t memory[AREAS];
    handle_t channel;
} tmpfs;

static _Noreturn void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

/* ------------------------------------------------------------------ the tree */

static status_t check_open_flags(struct sw_request *request, uint32_t flags)
{
    uint32_t known = SW_OPEN_READ | SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_EXCLUSIVE |
                     SW_OPEN_TRUNCATE | SW_OPEN_APPEND | SW_OPEN_DIRECTORY;
    uint32_t writing = SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE;
    status_t status = SW_OK;
    if ((flags & ~known) || !(flags & (SW_OPEN_READ | SW_OPEN_WRITE)) ||
        ((flags & SW_OPEN_TRUNCATE) && !(flags & SW_OPEN_WRITE)) ||
        ((flags & SW_OPEN_CREATE) && (flags & SW_OPEN_DIRECTORY)))
        return SW_INVALID;
    if (flags & SW_OPEN_READ)
        status = sw_request_need(request, SW_CAP_FS_READ);
    if (status == SW_OK && (flags & writing))
        status = sw_request_need(request, SW_CAP_TMP_WRITE);
    return status;
}

static status_t check_open_inode(uint32_t principal, uint32_t number, uint32_t flags)
{
    const struct inode *inode = &tmpfs.store.inodes[number];
    unsigned want =
        (flags & SW_OPEN_READ ? WANT_READ : 0) | (flags & SW_OPEN_WRITE ? WANT_WRITE : 0);
    if ((flags & SW_OPEN_CREATE) && (flags & SW_OPEN_EXCLUSIVE))
        return SW_EXISTS;
    if (inode->kind == SW_FILE_DIRECTORY && (flags & (SW_OPEN_WRITE | SW_OPEN_CREATE)))
        return SW_IS_DIRECTORY;
    if (inode->kind != SW_FILE_DIRECTORY && (flags & SW_OPEN_DIRECTORY))
        return SW_NOT_DIRECTORY;
    return inode_allows(inode, principal, want) ? SW_OK : SW_ACCESS;
}

/* Everything that can fail comes first; making, truncating and the slot are then done. A
 * connection that was made for nothing tells by its closing, and no slot answers to it. */
static status_t open_file(struct sw_request *request, const struct sw_file_open_request *in,
                          const char *path, size_t path_length, struct sw_file_open_reply *out)
{
    struct store *store = &tmpfs.store;
    uint32_t principal = request->event.principal, flags = in->flags;
    struct tree_place place = { .directory = ROOT, .inode = ROOT };
    uint32_t slot, generation, inode = NONE;
    const struct answer *answer = answer_find(store, request->event.pid, in->header.id);
    status_t status = check_open_flags(request, flags);
    if (status == SW_OK && answer && (inode = answer_inode(store, answer)) != NONE)
        flags = answer->flags & ~(uint32_t)(SW_OPEN_CREATE | SW_OPEN_TRUNCATE); /* done already */
    else if (status == SW_OK && path_length > 0)
        status = tree_place(store, principal, path, path_length, &place);
    if (status != SW_OK)
        return status;

    bool makes = false;
    if (inode == NONE) {
        inode = place.inode;
        makes = inode == NONE;
        if (!makes)
            status = check_open_inode(principal, inode, flags);
        else if (flags & SW_OPEN_CREATE)
            status = tree_may_create(store, principal, &place, &inode);
        else
            status = SW_NOT_FOUND;
    }
    if (status == SW_OK)
        status = slot_allocate(store, principal, &slot, &generation);
    if (status == SW_OK)
        status = sw_connection_create(tmpfs.channel, BADGE_FILE | (uint64_t)generation << 32 | slot,
                                      &request->send[0]);
    if (status != SW_OK)
        return status;

    store->answer.inode = inode;
    store->answer.flags = flags;
    if (makes)
        tree_create(store, principal, &place, inode, SW_FILE_REGULAR, in->mode, sw_clock_wall());
    else if (flags & SW_OPEN_TRUNCATE)
        content_truncate(store, inode, 0, sw_clock_wall());
    slot_open(store, slot, generation, principal, inode, flags);
    request->send_count = 1;
    request->send_move = 1;
    tree_attributes(store, inode, &out->attributes);
    return SW_OK;
}

static status_t stat(struct sw_request *request, const struct sw_file_stat_request *in,
                     const char *path, size_t path_length, struct sw_file_stat_reply *out)
{
    (void)in;
    uint32_t inode;
    status_t status = tree_find(&tmpfs.store, request->event.principal, path, path_length, &inode);
    if (status == SW_OK)
        tree_attributes(&tmpfs.store, inode, &out->attributes);
    return status;
}

static status_t list(struct sw_request *request, const struct sw_file_list_request *in,
                     const char *path, size_t path_length, struct sw_file_list_reply *out)
{
    const struct sw_event *event = &request->event;
    _Alignas(8) uint8_t piece[LIST_PIECE];
    uint32_t inode;
    status_t status = tree_find(&tmpfs.store, event->principal, path, path_length, &inode);
    if (status != SW_OK)
        return status;
    if (tmpfs.store.inodes[inode].kind != SW_FILE_DIRECTORY)
        return SW_NOT_DIRECTORY;
    if (!inode_allows(&tmpfs.store.inodes[inode], event->principal, WANT_READ))
        return SW_ACCESS;

    out->next = in->cookie;
    do {
        uint64_t left = event->data_length - out->bytes, written = 0;
        size_t bytes;
        uint32_t count;
        tree_list(&tmpfs.store, inode, out->next, piece, left < LIST_PIECE ? left : LIST_PIECE,
                  &bytes, &count, &out->next);
        if (bytes == 0)
            break;
        status = sw_call_write(event->token, out->bytes, piece, bytes, &written);
        if (status != SW_OK)
            return status;
        out->bytes += (uint32_t)bytes;
        out->count += count;
    } while (out->next);
    return out->next && out->count == 0 ? SW_TOO_LARGE : SW_OK; /* no room for one entry */
}

static status_t mkdir(struct sw_request *request, const struct sw_file_mkdir_request *in,
                      const char *path, size_t path_length, struct sw_file_mkdir_reply *out)
{
    (void)out;
    struct store *store = &tmpfs.store;
    uint32_t principal = request->event.principal, inode;
    struct tree_place place;
    status_t status = tree_place(store, principal, path, path_length, &place);
    if (status == SW_BUSY)
        return SW_EXISTS;
    if (status == SW_OK)
        status = tree_may_create(store, principal, &place, &inode);
    if (status == SW_OK)
        tree_create(store, principal, &place, inode, SW_FILE_DIRECTORY, in->mode, sw_clock_wall());
    return status;
}

static status_t rmdir(struct sw_request *request, const struct sw_file_rmdir_request *in,
                      const char *path, size_t path_length, struct sw_file_rmdir_reply *out)
{
    (void)in, (void)out;
    struct tree_place place;
    status_t status = tree_place(&tmpfs.store, request->event.principal, path, path_length, &place);
    return status != SW_OK
               ? status
               : tree_rmdir(&tmpfs.store, request->event.principal, &place, sw_clock_wall());
}

static status_t unlink(struct sw_request *request, const struct sw_file_unlink_request *in,
                       const char *path, size_t path_length, struct sw_file_unlink_reply *out)
{
    (void)in, (void)out;
    struct tree_place place;
    status_t status = tree_place(&tmpfs.store, request->event.principal, path, path_length, &place);
    if (status == SW_BUSY)
        return SW_IS_DIRECTORY;
    return status != SW_OK
               ? status
               : tree_unlink(&tmpfs.store, request->event.principal, &place, sw_clock_wall());
}

static status_t rename(struct sw_request *request, const struct sw_file_rename_request *in,
                       const char *from, size_t from_length, const char *to, size_t to_length,
                       struct sw_file_rename_reply *out)
{
    (void)in, (void)out;
    uint32_t principal = request->event.principal;
    struct tree_place source, target;
    status_t status = tree_place(&tmpfs.store, principal, from, from_length, &source);
    if (status == SW_OK)
        status = tree_place(&tmpfs.store, principal, to, to_length, &target);
    if (status == SW_OK)
        status = tree_rename(&tmpfs.store, principal, &source, &target, sw_clock_wall());
    return status;
}

static status_t chmod(struct sw_request *request, const struct sw_file_chmod_request *in,
                      const char *path, size_t path_length, struct sw_file_chmod_reply *out)
{
    (void)out;
    uint32_t principal = request->event.principal, inode;
    status_t status = tree_find(&tmpfs.store, principal, path, path_length, &inode);
    return status != SW_OK ? status : tree_chmod(&tmpfs.store, principal, inode, in->mode);
}

static status_t chown(struct sw_request *request, const struct sw_file_chown_request *in,
                      const char *path, size_t path_length, struct sw_file_chown_reply *out)
{
    (void)out;
    uint32_t principal = request->event.principal, inode;
    status_t status = tree_find(&tmpfs.store, principal, path, path_length, &inode);
    return status != SW_OK ? status : tree_chown(&tmpfs.store, principal, inode, in->owner);
}

static status_t set_time(struct sw_request *request, const struct sw_file_set_time_request *in,
                         const char *path, size_t path_length, struct sw_file_set_time_reply *out)
{
    (void)out;
    uint32_t principal = request->event.principal, inode;
    status_t status = tree_find(&tmpfs.store, principal, path, path_length, &inode);
    return status != SW_OK ? status : tree_set_time(&tmpfs.store, principal, inode, in->mtime);
}

static status_t space(struct sw_request *request, const struct sw_file_space_request *in,
                      struct sw_file_space_reply *out)
{
    (void)request, (void)in;
    out->total = (uint64_t)tmpfs.store.plan.page_count * SW_PAGE;
    out->free = (uint64_t)tmpfs.store.pages_free * SW_PAGE;
    out->files = tmpfs.store.inodes_used;
    return SW_OK;
}

/* Contents go back when they are freed; records of files are what is left to give. */
static status_t trim(struct sw_request *request, const struct sw_file_trim_request *in,
                     struct sw_file_trim_reply *out)
{
    (void)request, (void)in, (void)out;
    store_trim(&tmpfs.store);
    return SW_OK;
}

/* ------------------------------------------------------------------ open files */

static const struct slot *slot_of(uint64_t badge)
{
    return slot_find(&tmpfs.store, (uint32_t)badge, badge >> 32 & 0x7fffffff);
}

/* The regular file of a connection that was opened for `flag`. */
static status_t file_of(const struct sw_request *request, uint32_t flag,
                        const struct slot **out_slot)
{
    const struct slot *slot = slot_of(request->event.badge);
    if (!slot)
        return SW_BAD_HANDLE;
    if (tmpfs.store.inodes[slot->inode].kind == SW_FILE_DIRECTORY)
        return SW_IS_DIRECTORY;
    *out_slot = slot;
    return slot->flags & flag ? SW_OK : SW_ACCESS;
}

/* The kernel copies a large piece in parts. */
static status_t copy_out(void *context, uint64_t position, void *memory, uint64_t length)
{
    const struct sw_event *event = context;
    status_t status = SW_OK;
    uint64_t piece = 0;
    for (uint64_t done = 0; status == SW_OK && done < length; done += piece)
        status = sw_call_write(event->token, position + done, (uint8_t *)memory + done,
                               length - done, &piece);
    return status;
}

static status_t copy_in(void *context, uint64_t position, void *memory, uint64_t length)
{
    const struct sw_event *event = context;
    status_t status = SW_OK;
    uint64_t piece = 0;
    for (uint64_t done = 0; status == SW_OK && done < length; done += piece)
        status = sw_call_read(event->token, SW_AREA_DATA, position + done, (uint8_t *)memory + done,
                              length - done, &piece);
    return status;
}

static status_t read_file(struct sw_request *request, const struct sw_file_read_request *in,
                          struct sw_file_read_reply *out)
{
    const struct slot *slot;
    struct content_copy copy = { copy_out, &request->event };
    status_t status = file_of(request, SW_OPEN_READ, &slot);
    if (status != SW_OK)
        return status;
    return content_read(&tmpfs.store, slot->inode, in->offset, request->event.data_length, &copy,
                        &out->done);
}

static status_t write_file(struct sw_request *request, const struct sw_file_write_request *in,
                           struct sw_file_write_reply *out)
{
    const struct slot *slot;
    struct content_copy copy = { copy_in, &request->event };
    status_t status = file_of(request, SW_OPEN_WRITE, &slot);
    if (status != SW_OK)
        return status;
    if (in->flags & ~(uint32_t)SW_WRITE_APPEND)
        return SW_INVALID;
    const struct answer *answer = answer_find(&tmpfs.store, request->event.pid, in->header.id);
    if (answer) {
        out->done = answer->done;
        out->end = answer->end;
        return SW_OK;
    }
    bool appends = (slot->flags & SW_OPEN_APPEND) || (in->flags & SW_WRITE_APPEND);
    uint64_t offset = appends ? tmpfs.store.inodes[slot->inode].size : in->offset;
    status = content_write(&tmpfs.store, slot->inode, offset, request->event.data_length,
                           sw_clock_wall(), &copy, &out->done);
    out->end = offset + out->done;
    return status;
}

static status_t truncate(struct sw_request *request, const struct sw_file_truncate_request *in,
                         struct sw_file_truncate_reply *out)
{
    (void)out;
    const struct slot *slot;
    status_t status = file_of(request, SW_OPEN_WRITE, &slot);
    return status != SW_OK ? status
                           : content_truncate(&tmpfs.store, slot->inode, in->size, sw_clock_wall());
}

static status_t attributes(struct sw_request *request, const struct sw_file_attributes_request *in,
                           struct sw_file_attributes_reply *out)
{
    (void)in;
    const struct slot *slot = slot_of(request->event.badge);
    if (!slot)
        return SW_BAD_HANDLE;
    tree_attributes(&tmpfs.store, slot->inode, &out->attributes);
    return SW_OK;
}

static status_t sync(struct sw_request *request, const struct sw_file_sync_request *in,
                     struct sw_file_sync_reply *out)
{
    (void)in, (void)out;
    return slot_of(request->event.badge) ? SW_OK : SW_BAD_HANDLE;
}

/* No open_program and no extent: nothing in /tmp is executable, and no content is ever sealed. */
static const struct sw_file_handlers handlers = {
    .open = open_file,
    .stat = stat,
    .list = list,
    .mkdir = mkdir,
    .rmdir = rmdir,
    .unlink = unlink,
    .rename = rename,
    .chmod = chmod,
    .chown = chown,
    .set_time = set_time,
    .space = space,
    .trim = trim,
    .read = read_file,
    .write = write_file,
    .truncate = truncate,
    .attributes = attributes,
    .sync = sync,
};

/* Whether the request was carried out by a predecessor and has nothing but success to tell. */
static bool is_done_already(const struct sw_request *request)
{
    const struct sw_request_header *header = request->message;
    return header->operation != SW_OP_FILE_OPEN && header->operation != SW_OP_FILE_WRITE &&
           answer_find(&tmpfs.store, request->event.pid, header->id);
}

static status_t on_message(struct sw_server *server, struct sw_request *request)
{
    (void)server;
    const struct sw_request_header *header = request->message;
    if (request->event.request_length < sizeof(*header))
        return SW_BAD_MESSAGE;
    bool on_file = request->event.badge & BADGE_FILE;
    bool file_operation =
        header->operation >= SW_OP_FILE_READ && header->operation <= SW_OP_FILE_SYNC;
    if (on_file != file_operation)
        return SW_NOT_SUPPORTED;
    if (is_done_already(request))
        return SW_OK;
    answer_begin(&tmpfs.store, request->event.pid, header->id);
    return sw_file_dispatch(&handlers, request);
}

/* The kernel tells a successor again what this process has not come back from. */
static void on_closed(struct sw_server *server, uint64_t key, uint64_t badge)
{
    (void)server, (void)key;
    if ((badge & BADGE_FILE) && slot_of(badge))
        slot_close(&tmpfs.store, (uint32_t)badge);
}

/* ------------------------------------------------------------------ start */

static status_t area_commit(enum area area, uint64_t offset, uint64_t size)
{
    return sw_memory_commit(tmpfs.memory[area], offset, size);
}

static void area_decommit(enum area area, uint64_t offset, uint64_t size)
{
    /* What cannot be given back stays ours and is not seen as zero. */
    status_t status = sw_memory_decommit(tmpfs.memory[area], offset, size);
    if (status != SW_OK)
        fail("decommit", status);
}

static const struct store_memory memory = { area_commit, area_decommit };

/* A quarter of the RAM; less if the service's quota is smaller. */
static status_t arena_create(handle_t *out_memory, uint64_t *out_size)
{
    uint64_t size = sw_info()->ram_bytes / 4 / SW_PAGE * SW_PAGE;
    status_t status = sw_memory_create(size, SW_MEMORY_FOR_CLIENTS, out_memory);
    while (status == SW_QUOTA && size / 2 >= ARENA_LEAST) {
        size = size / 2 / SW_PAGE * SW_PAGE;
        status = sw_memory_create(size, SW_MEMORY_FOR_CLIENTS, out_memory);
    }
    *out_size = size;
    return status;
}

/* Finds the kept object of a slot, or makes and keeps one with `create`. */
static handle_t kept_area(handle_t job, enum kept slot, uint64_t *size)
{
    handle_t found = 0;
    uint64_t committed;
    uint32_t sealed;
    status_t status = sw_job_kept(job, slot, &found);
    if (status == SW_OK)
        status = sw_memory_info(found, size, &committed, &sealed);
    else if (status == SW_NOT_FOUND) {
        status =
            slot == KEPT_ARENA ? arena_create(&found, size) : sw_memory_create(*size, 0, &found);
        if (status == SW_OK)
            status = sw_job_keep(job, slot, found);
    }
    if (status != SW_OK)
        fail("kept memory", status);
    return found;
}

static void start_store(void)
{
    handle_t job = sw_start_get("job");
    struct store_plan plan;
    uint64_t arena_size = 0, vault_size;
    void *areas[AREAS];

    tmpfs.memory[AREA_ARENA] = kept_area(job, KEPT_ARENA, &arena_size);
    store_plan(arena_size, &plan);
    vault_size = plan.size[AREA_VAULT];
    tmpfs.memory[AREA_VAULT] = kept_area(job, KEPT_VAULT, &vault_size);
    status_t status = vault_size == plan.size[AREA_VAULT] ? SW_OK : SW_CORRUPT;
    if (status == SW_OK)
        status = sw_memory_create(plan.size[AREA_INDEX], 0, &tmpfs.memory[AREA_INDEX]);
    for (enum area area = 0; status == SW_OK && area < AREAS; area++)
        status = sw_mapping_map(tmpfs.memory[area], 0, plan.size[area], SW_MAP_READ | SW_MAP_WRITE,
                                &areas[area]);
    if (status != SW_OK)
        fail("memory", status);

    bool recovered;
    status = store_open(&tmpfs.store, &plan, areas, &memory, sw_clock_wall(), &recovered);
    if (status != SW_OK)
        fail("store", status);
    if (recovered)
        sw_log(SW_LOG_INFO, "back with %u files", tmpfs.store.inodes_used);
    if (tmpfs.store.dropped || tmpfs.store.adopted)
        sw_log(SW_LOG_WARNING, "damaged records: %u dropped, %u files moved to lost.N",
               tmpfs.store.dropped, tmpfs.store.adopted);
}

int main(void)
{
    start_store();
    tmpfs.channel = sw_start_get("serve");
    struct sw_server server = { .message = on_message, .closed = on_closed };
    status_t status = sw_server_serve(&server, tmpfs.channel, 0);
    if (status != SW_OK)
        fail("serve", status);
    status = sw_service_ready();
    if (status != SW_OK && status != SW_NOT_FOUND) /* NOT_FOUND: nobody to tell */
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    fail("wait", sw_server_run(&server));
}
