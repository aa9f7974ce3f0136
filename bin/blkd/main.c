/* blkd: serves the virtio-blk disks given to it (protocol `block`, runtime/abi/protocols).
 *
 * Start handles: `serve` (channel), `device/N` (a slot each, in this order disks 0, 1, ...), `log`,
 * and `names` when it is to announce itself. One thread; calls are answered when their disk is
 * done with them, so every client and every disk may have requests under way. Data goes by DMA
 * straight between the disk and the client's memory object; blkd never sees it. */
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/statistics.h>
#include <swos/status.h>

#include "disk.h"

#define REQUESTS_MAX 64 /* not answered yet, of all clients; more are answered BUSY */
#define SECTOR 512u
#define KEY_CHANNEL DISKS_MAX /* port keys below: disk numbers */

static struct request requests[REQUESTS_MAX], *free_requests;
static struct disk *disks;
static uint32_t disk_count;

static void request_free(struct request *request)
{
    if (request->memory) {
        sw_handle_close(request->memory);
    }
    request->next = free_requests;
    free_requests = request;
}

static void info_fill(const struct disk *disk, struct sw_block_info_reply *out)
{
    out->sectors = disk->sectors;
    out->read_only = disk->read_only;
    memcpy(out->serial, disk->serial, sizeof(out->serial));
}

/* A disk's own counters; the command `metrics` names them. */
enum count {
    COUNT_READS,
    COUNT_READ_BYTES,
    COUNT_READ_NS,
    COUNT_WRITES,
    COUNT_WRITTEN_BYTES,
    COUNT_WRITE_NS,
    COUNT_FLUSHES,
    COUNT_BUSY_NS, /* with a request at the disk or waiting for it */
    COUNTS
};
_Static_assert(COUNTS *DISKS_MAX <= SW_STATISTICS_OWN_COUNT, "each disk has its own");

static void count(const struct disk *disk, const struct request *request)
{
    uint64_t *own = sw_statistics_own(), now = sw_clock_monotonic();

    if (!own) {
        return;
    }
    own += (disk - disks) * COUNTS;
    if (!disk->first) {
        own[COUNT_BUSY_NS] += now - disk->busy_since;
    }
    if (request->status != SW_OK) {
        return;
    }
    if (request->operation == DISK_FLUSH) {
        own[COUNT_FLUSHES]++;
    } else if (request->operation == DISK_READ || request->operation == DISK_WRITE) {
        own += request->operation == DISK_WRITE ? COUNT_WRITES - COUNT_READS : 0;
        own[COUNT_READS]++;
        own[COUNT_READ_BYTES] += (uint64_t)request->count * SECTOR;
        own[COUNT_READ_NS] += now - request->began;
    }
}

void disk_done(struct disk *disk, struct request *request)
{
    count(disk, request);
    if (request->operation == DISK_IDENTIFY) {
        struct sw_block_info_reply reply = { 0 };

        disk->identified = true; /* once is enough, a disk without serial number included */
        info_fill(disk, &reply);
        sw_server_answer(request->token, SW_OK, 0, &reply, sizeof(reply), NULL, 0, 0);
    } else {
        struct sw_block_flush_reply reply = { 0 }; /* all of them are just a header */

        sw_server_answer(request->token, request->status, 0, &reply, sizeof(reply), NULL, 0, 0);
    }
    request_free(request);
}

/* The disk a call is about. */
static status_t request_disk(const struct sw_request *request, struct disk **out_disk)
{
    uint64_t badge = request->event.badge;

    if (badge == 0 || badge > disk_count) {
        return SW_NOT_FOUND;
    }
    *out_disk = &disks[badge - 1];
    switch ((*out_disk)->state) {
    case DISK_READY:
        return SW_OK;
    case DISK_LEGACY:
        return SW_NOT_SUPPORTED;
    case DISK_ABSENT:
        return SW_NOT_FOUND;
    default:
        return SW_IO;
    }
}

/* Makes the call a request of its disk; it is answered later. */
static status_t submit(struct sw_request *call, struct disk *disk, struct request what)
{
    struct request *request = free_requests;

    if (!request) {
        return SW_BUSY;
    }
    free_requests = request->next;
    what.token = call->event.token;
    if (what.memory) {
        call->event.received[0] = 0; /* ours now */
    }
    *request = what;
    request->count = what.left;
    request->began = sw_clock_monotonic();
    if (!disk->first) {
        disk->busy_since = request->began;
    }
    call->deferred = 1;
    disk_submit(disk, request);
    return SW_OK;
}

/* Moves sectors between a disk and the memory object that came with the call. */
static status_t transfer(struct sw_request *call, enum disk_operation operation, uint64_t sector,
                         uint32_t count, uint32_t offset)
{
    uint64_t id, size, committed;
    uint32_t type, rights, sealed;
    struct disk *disk;
    status_t status = request_disk(call, &disk);

    if (status != SW_OK) {
        return status;
    }
    if (call->event.received_count != 1 || count == 0 || offset % SECTOR != 0) {
        return SW_INVALID;
    }
    if (operation == DISK_WRITE && disk->read_only) {
        return SW_READ_ONLY;
    }
    if (sector > disk->sectors || count > disk->sectors - sector) {
        return SW_OUT_OF_RANGE;
    }
    /* The device acts with our right to DMA; the client must have the right to the data. */
    if (sw_handle_info(call->event.received[0], &type, &rights, &id) != SW_OK ||
        sw_memory_info(call->event.received[0], &size, &committed, &sealed) != SW_OK) {
        return SW_WRONG_TYPE;
    }
    if (!(rights & (operation == DISK_READ ? SW_RIGHT_WRITE : SW_RIGHT_READ))) {
        return SW_ACCESS;
    }
    if (offset > size || (uint64_t)count * SECTOR > size - offset) {
        return SW_OUT_OF_RANGE;
    }
    return submit(call, disk,
                  (struct request){ .memory = call->event.received[0],
                                    .operation = operation,
                                    .sector = sector,
                                    .offset = offset,
                                    .left = count });
}

static status_t handle_info(struct sw_request *request, const struct sw_block_info_request *in,
                            struct sw_block_info_reply *out)
{
    struct disk *disk;
    status_t status = request_disk(request, &disk);

    (void)in;
    if (status == SW_OK && !disk->identified) {
        return submit(request, disk, (struct request){ .operation = DISK_IDENTIFY });
    }
    if (status == SW_OK) {
        info_fill(disk, out);
    }
    return status;
}

static status_t handle_read(struct sw_request *request, const struct sw_block_read_request *in,
                            struct sw_block_read_reply *out)
{
    (void)out;
    return transfer(request, DISK_READ, in->sector, in->count, in->offset);
}

static status_t handle_write(struct sw_request *request, const struct sw_block_write_request *in,
                             struct sw_block_write_reply *out)
{
    (void)out;
    return transfer(request, DISK_WRITE, in->sector, in->count, in->offset);
}

static status_t handle_flush(struct sw_request *request, const struct sw_block_flush_request *in,
                             struct sw_block_flush_reply *out)
{
    struct disk *disk;
    status_t status = request_disk(request, &disk);

    (void)in;
    (void)out;
    if (status != SW_OK || !disk->flushes) {
        return status; /* without the feature the device writes through (5.2.6.2) */
    }
    return submit(request, disk, (struct request){ .operation = DISK_FLUSH });
}

static status_t handle_list(struct sw_request *request, const struct sw_block_list_request *in,
                            struct sw_block_list_reply *out)
{
    (void)in;
    if (request->event.badge != 0) {
        return SW_ACCESS;
    }
    out->count = disk_count;
    for (uint32_t i = 0; i < disk_count; i++) {
        out->legacy += disks[i].state == DISK_LEGACY;
    }
    return SW_OK;
}

static const struct sw_block_handlers handlers = {
    .info = handle_info,
    .read = handle_read,
    .write = handle_write,
    .flush = handle_flush,
    .list = handle_list,
};

static status_t server_message(struct sw_server *server, struct sw_request *request)
{
    (void)server;
    return sw_block_dispatch(&handlers, request);
}

static void server_event(struct sw_server *server, const struct sw_event *event)
{
    (void)server;
    if (event->kind == SW_EVENT_INTERRUPT && event->key < disk_count) {
        disk_interrupt(&disks[event->key]);
    }
}

/* Device handle number i of the start block, 0 past the end. */
static handle_t device_handle(uint32_t number)
{
    const struct sw_start_handle *entry;

    for (size_t i = 0; (entry = sw_start_handle_at(i)); i++) {
        if (strncmp(sw_start_text(entry->offset), "device/", strlen("device/")) == 0 &&
            number-- == 0) {
            return entry->handle;
        }
    }
    return 0;
}

/* Starts all disks; those that cannot be started keep their number. */
static status_t open_disks(handle_t port)
{
    void *memory;
    status_t status;

    while (disk_count < DISKS_MAX && device_handle(disk_count)) {
        disk_count++;
    }
    status = sw_mapping_create((disk_count + 1) * sizeof(struct disk), 0, &memory, NULL);
    if (status != SW_OK) {
        return status;
    }
    disks = memory;
    for (uint32_t i = 0; i < disk_count; i++) {
        handle_t device = device_handle(i);

        disk_open(&disks[i], device);
        if (disks[i].state == DISK_READY &&
            (status = sw_port_bind(port, device, UINT64_MAX, i)) != SW_OK) {
            return status;
        }
    }
    return SW_OK;
}

int main(void)
{
    struct sw_server server = { .message = server_message, .event = server_event };
    status_t status;

    for (uint32_t i = 0; i < REQUESTS_MAX; i++) {
        request_free(&requests[i]);
    }
    if ((status = sw_port_create(&server.port)) != SW_OK ||
        (status = open_disks(server.port)) != SW_OK ||
        (status = sw_server_serve(&server, sw_start_get("serve"), KEY_CHANNEL)) != SW_OK) {
        sw_log(SW_LOG_ERROR, "cannot serve: %s", sw_status_text(status));
        return 1;
    }
    if (sw_start_get("names")) {
        sw_service_ready();
    }
    status = sw_server_run(&server);
    sw_log(SW_LOG_ERROR, "stopped: %s", sw_status_text(status));
    return 1;
}
