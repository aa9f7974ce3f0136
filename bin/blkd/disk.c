/* virtio-blk (virtio 1.2, 5.2). See disk.h. */
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/status.h>

#include "disk.h"

#define SECTOR 512u
#define F_SIZE_MAX (1ull << 1)
#define F_SEGMENTS_MAX (1ull << 2)
#define F_READ_ONLY (1ull << 5)
#define F_FLUSH (1ull << 9)

/* Start of the device's configuration (5.2.4). */
struct block_config {
    uint64_t capacity; /* sectors */
    uint32_t size_max;
    uint32_t segments_max;
};

struct block_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

/* What a part shares with the device besides its data. */
struct block_part {
    struct block_header header;
    uint8_t status;
    uint8_t padding[15];
};
_Static_assert(sizeof(struct block_part) == 32, "block_part");

#define PARTS_OFFSET ((VIRTQUEUE_BYTES(QUEUE_SIZE) + 31u) & ~31u)
#define SERIAL_OFFSET (PARTS_OFFSET + PARTS_MAX * sizeof(struct block_part))
_Static_assert(SERIAL_OFFSET + 20 <= SW_PAGE, "one page");

static struct block_part *shared_part(const struct disk *disk, uint32_t number)
{
    return (struct block_part *)(disk->shared + PARTS_OFFSET) + number;
}

/* Memory the device shares with us, one pinned page. */
static status_t share_page(struct disk *disk)
{
    void *page;
    status_t status = sw_mapping_create(SW_PAGE, SW_MEMORY_COMMIT, &page, &disk->shared_memory);

    if (status != SW_OK) {
        return status;
    }
    disk->shared = page;
    return sw_device_pin(disk->device.handle, disk->shared_memory, 0, SW_PAGE, &disk->shared_bus);
}

static status_t start(struct disk *disk, handle_t handle)
{
    struct block_config config = { 0 };
    struct virtio_device *device = &disk->device;
    status_t status =
        virtio_open(device, handle, VIRTIO_ID_BLOCK, 0,
                    VIRTIO_F_EVENT_INDEX | F_SIZE_MAX | F_SEGMENTS_MAX | F_READ_ONLY | F_FLUSH);

    if (status != SW_OK) {
        return status;
    }
    if ((status = virtio_config_read(device, 0, &config, sizeof(config))) != SW_OK ||
        (status = share_page(disk)) != SW_OK) {
        return status;
    }
    disk->sectors = config.capacity;
    disk->read_only = device->features & F_READ_ONLY;
    disk->flushes = device->features & F_FLUSH;
    disk->segments_max = QUEUE_SIZE - 2;
    if ((device->features & F_SEGMENTS_MAX) && config.segments_max < disk->segments_max) {
        disk->segments_max = config.segments_max > 0 ? config.segments_max : 1;
    }
    disk->segment_bytes = PART_BYTES;
    if ((device->features & F_SIZE_MAX) && config.size_max < PART_BYTES) {
        disk->segment_bytes = config.size_max & ~(SECTOR - 1);
        if (disk->segment_bytes == 0) {
            return SW_NOT_SUPPORTED;
        }
    }
    virtqueue_init(&disk->queue, QUEUE_SIZE, disk->shared, disk->slots,
                   device->features & VIRTIO_F_EVENT_INDEX);
    virtqueue_arm(&disk->queue);
    if ((status = virtio_queue_start(device, 0, &disk->queue, disk->shared_bus)) != SW_OK) {
        return status;
    }
    return virtio_start(device);
}

void disk_open(struct disk *disk, handle_t handle)
{
    status_t status;

    disk->last = &disk->first;
    status = start(disk, handle);
    disk->state = status == SW_OK          ? DISK_READY
                  : status == SW_NOT_FOUND ? DISK_ABSENT
                  : status == SW_VERSION   ? DISK_LEGACY
                                           : DISK_FAILED;
    if (status == SW_VERSION) {
        struct sw_device_info info = { 0 };

        sw_device_info(handle, &info);
        sw_log(SW_LOG_ERROR, "disk at 0x%llx " VIRTIO_LEGACY_MESSAGE,
               (unsigned long long)info.address);
    } else if (status != SW_OK && status != SW_NOT_FOUND) {
        sw_log(SW_LOG_ERROR, "a disk cannot be started: %s", sw_status_text(status));
    }
}

/* The data of a part as descriptors, neighbouring pages merged; cut where the device's limits or
 * the free descriptors end. Returns their number, *bytes becomes what they hold. */
static uint32_t gather(const struct disk *disk, const uint64_t *pages, uint64_t offset,
                       uint32_t *bytes, struct virtqueue_buffer *buffers)
{
    uint32_t limit = disk->queue.free_count - 2u, count = 0, done = 0;

    if (limit > disk->segments_max) {
        limit = disk->segments_max;
    }
    while (done < *bytes) {
        uint64_t at = (offset & (SW_PAGE - 1)) + done;
        uint32_t in_page = (uint32_t)(at % SW_PAGE), size = SW_PAGE - in_page;
        uint64_t address = pages[at / SW_PAGE] + in_page;
        struct virtqueue_buffer *last = count > 0 ? &buffers[count - 1] : NULL;

        if (size > *bytes - done) {
            size = *bytes - done;
        }
        if (size > disk->segment_bytes) {
            size = disk->segment_bytes;
        }
        if (last && last->address + last->length == address &&
            last->length + size <= disk->segment_bytes) {
            last->length += size;
        } else if (count == limit) {
            break;
        } else {
            buffers[count++] = (struct virtqueue_buffer){ address, size };
        }
        done += size;
    }
    *bytes = done;
    return count;
}

/* Issues the next part of a request. BUSY: no room at the device now. */
static status_t issue_part(struct disk *disk, struct request *request)
{
    static uint64_t pages[PART_PAGES]; /* one thread: filled and used within this call */
    static struct virtqueue_buffer buffers[QUEUE_SIZE];
    uint32_t number = 0, count = 0, bytes = 0;
    bool device_writes = request->operation != DISK_WRITE;
    struct block_part *shared;
    uint64_t bus;
    status_t status;

    while (number < PARTS_MAX && disk->parts[number].request) {
        number++;
    }
    if (number == PARTS_MAX || disk->queue.free_count < 3) {
        return SW_BUSY;
    }
    shared = shared_part(disk, number);
    bus = disk->shared_bus + PARTS_OFFSET + number * sizeof(*shared);
    buffers[0] = (struct virtqueue_buffer){ bus, sizeof(shared->header) };
    if (request->memory) {
        uint64_t first = request->offset & ~(uint64_t)(SW_PAGE - 1);

        bytes = request->left > PART_BYTES / SECTOR ? PART_BYTES : request->left * SECTOR;
        status = sw_device_pin(disk->device.handle, request->memory, first,
                               sw_page_round(request->offset - first + bytes), pages);
        if (status != SW_OK) {
            return status == SW_BUSY ? SW_IO : status;
        }
        count = gather(disk, pages, request->offset, &bytes, buffers + 1);
    } else if (request->operation == DISK_IDENTIFY) {
        buffers[1] =
            (struct virtqueue_buffer){ disk->shared_bus + SERIAL_OFFSET, sizeof(disk->serial) };
        count = 1;
    }
    shared->header = (struct block_header){ .type = request->operation, .sector = request->sector };
    shared->status = 0xff;
    buffers[1 + count] = (struct virtqueue_buffer){ bus + offsetof(struct block_part, status), 1 };
    disk->parts[number] = (struct part){ .request = request, .bytes = bytes };
    /* Cannot fail: gather kept within the free descriptors. */
    virtqueue_add(&disk->queue, buffers, (uint16_t)(1 + (device_writes ? 0 : count)),
                  (uint16_t)(1 + (device_writes ? count : 0)), &disk->parts[number]);
    request->parts++;
    request->started = true;
    request->sector += bytes / SECTOR;
    request->offset += bytes;
    request->left -= bytes / SECTOR;
    return SW_OK;
}

/* Issues what can be issued, oldest request first, and answers what is finished. */
static void advance(struct disk *disk)
{
    struct request **link = &disk->first;
    bool room = true;

    while (*link) {
        struct request *request = *link;

        while (room && request->status == SW_OK && (!request->started || request->left > 0) &&
               request->parts < REQUEST_PARTS) {
            status_t status = issue_part(disk, request);

            room = status != SW_BUSY;
            request->status = room ? status : SW_OK;
        }
        if (request->parts > 0 ||
            (request->status == SW_OK && (!request->started || request->left > 0))) {
            link = &request->next;
            continue;
        }
        *link = request->next;
        disk_done(disk, request);
    }
    disk->last = link;
    virtio_notify(&disk->device, 0, &disk->queue);
}

void disk_submit(struct disk *disk, struct request *request)
{
    request->next = NULL;
    *disk->last = request;
    disk->last = &request->next;
    advance(disk);
}

/* The device is done with a part: gives its pin back. advance() answers the request. */
static void part_done(struct disk *disk, struct part *part, status_t status)
{
    struct request *request = part->request;

    part->request = NULL;
    request->parts--;
    if (request->memory) {
        sw_device_unpin(disk->device.handle, request->memory);
    }
    if (request->status == SW_OK) {
        request->status = status;
    }
}

/* The device broke the protocol: stop it, fail everything. A restart of blkd tries it anew; when
 * it cannot even be stopped, only a successor's reset may give its pins back. */
static void disk_fail(struct disk *disk)
{
    void *context;

    sw_log(SW_LOG_ERROR, "a disk breaks the virtio protocol; it is taken out of service");
    disk->state = DISK_FAILED;
    if (virtio_reset(&disk->device) != SW_OK) {
        sw_process_exit(1);
    }
    while (virtqueue_reclaim(&disk->queue, &context)) {
        part_done(disk, context, SW_IO);
    }
    disk->last = &disk->first;
    while (disk->first) {
        struct request *request = disk->first;

        disk->first = request->next; /* before it is told: what is left says whether it is busy */
        request->status = SW_IO;
        disk_done(disk, request);
    }
}

/* What the status byte and the length say about a finished part. */
static status_t part_status(const struct disk *disk, const struct part *part, uint32_t written)
{
    uint8_t result = shared_part(disk, (uint32_t)(part - disk->parts))->status;

    if (result == 2) {
        return SW_NOT_SUPPORTED;
    }
    /* A read that went well has filled all of its data and the status byte. */
    if (result != 0 || (part->request->operation == DISK_READ && written < part->bytes + 1)) {
        return SW_IO;
    }
    return SW_OK;
}

void disk_interrupt(struct disk *disk)
{
    void *context;
    uint32_t written;

    if (disk->state != DISK_READY) {
        return;
    }
    virtio_acknowledge(&disk->device);
    do {
        while (virtqueue_take(&disk->queue, &context, &written)) {
            struct part *part = context;

            if (part->request->operation == DISK_IDENTIFY) {
                memcpy(disk->serial, disk->shared + SERIAL_OFFSET, sizeof(disk->serial));
            }
            part_done(disk, part, part_status(disk, part, written));
        }
    } while (virtqueue_arm(&disk->queue));
    if (disk->queue.broken) {
        disk_fail(disk);
        return;
    }
    advance(disk);
    virtio_unmask(&disk->device);
}
