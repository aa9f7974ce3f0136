/* One virtio-blk disk: requests waiting, parts under way.
 *
 * A client's request is cut into parts of at most PART_BYTES; each part pins its pages of the
 * client's memory object, is one virtio request, and unpins when it is done. Everything the
 * device shares with us lies in one page: ring, request headers, status bytes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/virtio.h>

#define DISKS_MAX 32
#define PART_BYTES 0x100000u
#define PART_PAGES (PART_BYTES / SW_PAGE + 1)
#define PARTS_MAX 16 /* under way at a disk */
#define QUEUE_SIZE 128
#define REQUEST_PARTS 2 /* under way for one request: one moves while the next is prepared */

enum disk_operation { DISK_READ = 0, DISK_WRITE = 1, DISK_FLUSH = 4, DISK_IDENTIFY = 8 };

/* A client's call that is not answered yet. */
struct request {
    struct request *next; /* in the disk's list, or in the free list */
    uint64_t token;
    handle_t memory; /* ours to close; 0 for flush and identify */
    enum disk_operation operation;
    uint64_t sector; /* of the next part */
    uint64_t offset; /* in memory, of the next part */
    uint32_t left;   /* sectors not yet in a part */
    uint32_t parts;  /* under way */
    bool started;    /* its first part was issued */
    uint32_t count;  /* sectors in all */
    uint64_t began;  /* when it came */
    status_t status; /* first failure */
};

struct part {
    struct request *request; /* NULL: free */
    uint32_t bytes;
};

enum disk_state { DISK_ABSENT, DISK_LEGACY, DISK_FAILED, DISK_READY };

struct disk {
    enum disk_state state;
    struct virtio_device device;
    struct virtqueue queue;
    struct virtqueue_slot slots[QUEUE_SIZE];
    struct part parts[PARTS_MAX];
    struct request *first, **last; /* all requests not answered yet, in order */
    uint8_t *shared;               /* the page */
    uint64_t shared_bus;
    handle_t shared_memory;
    uint64_t sectors;
    uint32_t segments_max;  /* data descriptors in a part */
    uint32_t segment_bytes; /* longest descriptor, a multiple of 512 */
    uint64_t busy_since;    /* when the oldest of `first` came while there was none */
    bool read_only, flushes, identified;
    uint8_t serial[20];
};

/* Starts the disk behind a device handle; state tells how that went. */
void disk_open(struct disk *disk, handle_t device);

/* Takes a request over: it is answered and given back by disk_done. */
void disk_submit(struct disk *disk, struct request *request);

/* An interrupt of the disk came. */
void disk_interrupt(struct disk *disk);

/* Answers a finished request and frees it (main.c). */
void disk_done(struct disk *disk, struct request *request);
