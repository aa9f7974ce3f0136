/* blkd's disks as a client sees them: what is written is there, what is refused has changed
 * nothing, many requests at once. Runs in the place of consoled in a boot bundle of its own
 * (build/disk.bundle), for no session may talk to a driver; without consoled the kernel prints the
 * log, and the log is TAP. Which disk is which says its size. The host compares the written disk
 * with what it must hold: tests/acceptance/disk_test.lua. */
#include <stdbool.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/start.h>
#include <swos/status.h>

#define SECTOR 512u
#define WRITABLE_SECTORS 16384u /* 8 MiB */
#define READ_ONLY_SECTORS 8192u
#define FAILING_SECTORS 2048u
#define BAD_WRITE 100u /* sectors of the failing disk */
#define BAD_READ 200u
#define MEMORY (4u << 20)
#define MANY 48
#define MANY_AT 8192u    /* first sector of the requests that run at once */
#define MANY_SECTORS 33u /* of each: neither whole pages nor whole memory pages */

static unsigned count;

static void check(bool holds, const char *what, status_t status)
{
    sw_log(SW_LOG_INFO, "%sok %u - %s: %s", holds ? "" : "not ", ++count, what,
           sw_status_name(status));
}

static void check_status(status_t got, status_t wanted, const char *what)
{
    check(got == wanted, what, got);
}

/* What byte i of a sector holds; the host's test has the same rule. */
static uint8_t pattern(uint64_t sector, uint32_t i)
{
    return (uint8_t)(sector * 31 + (sector >> 8) * 5 + i * 7 + 1);
}

static void fill(uint8_t *bytes, uint64_t sector, uint32_t sectors)
{
    for (uint32_t i = 0; i < sectors * SECTOR; i++)
        bytes[i] = pattern(sector + i / SECTOR, i % SECTOR);
}

static bool holds(const uint8_t *bytes, uint64_t sector, uint32_t sectors)
{
    for (uint32_t i = 0; i < sectors * SECTOR; i++)
        if (bytes[i] != pattern(sector + i / SECTOR, i % SECTOR))
            return false;
    return true;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static uint8_t *out_bytes, *in_bytes; /* what is written from, what is read into */
static handle_t out_memory, in_memory;

static handle_t find(uint64_t sectors, bool read_only)
{
    static const char *const names[] = { "disk/0", "disk/1", "disk/2", "disk/3" };
    struct sw_block_info_reply info;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        handle_t disk = sw_start_get(names[i]);

        if (disk && sw_block_info(disk, &info, SW_NEVER) == SW_OK && info.sectors == sectors &&
            info.read_only == read_only)
            return disk;
    }
    return 0;
}

/* Writes sectors from one place of memory, reads them to another, compares. */
static void round_trip(handle_t disk, uint64_t sector, uint32_t sectors, uint32_t from, uint32_t to,
                       const char *what)
{
    fill(out_bytes + from, sector, sectors);
    memset(in_bytes, 0, MEMORY);
    check_status(sw_block_write(disk, sector, sectors, from, out_memory, SW_NEVER), SW_OK, what);
    check_status(sw_block_read(disk, sector, sectors, to, in_memory, SW_NEVER), SW_OK, "read back");
    check(holds(in_bytes + to, sector, sectors), "it is what was written", SW_OK);
    check(all_zero(in_bytes, to) &&
              all_zero(in_bytes + to + sectors * SECTOR, MEMORY - to - sectors * SECTOR),
          "and nothing beside it was touched", SW_OK);
}

static void writes(handle_t disk)
{
    round_trip(disk, 5, 1, 0, 0, "one sector");
    round_trip(disk, 7, 3, SECTOR, 3 * SECTOR, "three sectors at odd places of memory");
    round_trip(disk, 100, 4097, SECTOR, 5 * SECTOR, "2 MiB and a sector, across pages");
    round_trip(disk, WRITABLE_SECTORS - 1, 1, 0, 4096 - SECTOR, "the last sector");
    check_status(sw_block_flush(disk, SW_NEVER), SW_OK, "flush");
}

static void refusals(handle_t disk)
{
    const uint64_t end = WRITABLE_SECTORS;
    handle_t weak, event, sealed;

    memset(out_bytes, 0xee, MEMORY);
    check_status(sw_block_write(disk, end, 1, 0, out_memory, SW_NEVER), SW_OUT_OF_RANGE,
                 "writing behind the end");
    check_status(sw_block_write(disk, end - 1, 2, 0, out_memory, SW_NEVER), SW_OUT_OF_RANGE,
                 "writing across the end");
    check_status(sw_block_write(disk, UINT64_MAX, 2, 0, out_memory, SW_NEVER), SW_OUT_OF_RANGE,
                 "writing at the wrap");
    check_status(sw_block_write(disk, 0, UINT32_MAX, 0, out_memory, SW_NEVER), SW_OUT_OF_RANGE,
                 "writing more than there is");
    check_status(sw_block_read(disk, end, 1, 0, in_memory, SW_NEVER), SW_OUT_OF_RANGE,
                 "reading behind the end");
    check_status(sw_block_write(disk, 0, 0, 0, out_memory, SW_NEVER), SW_INVALID,
                 "writing nothing");
    check_status(sw_block_write(disk, 0, 1, 100, out_memory, SW_NEVER), SW_INVALID,
                 "memory that is not aligned");
    check_status(sw_block_write(disk, 0, 2, MEMORY - SECTOR, out_memory, SW_NEVER), SW_OUT_OF_RANGE,
                 "more than the memory holds");
    check_status(sw_block_write(disk, 0, 1, 0, 0, SW_NEVER), SW_INVALID, "no memory at all");
    sw_event_create(&event);
    check_status(sw_block_write(disk, 0, 1, 0, event, SW_NEVER), SW_WRONG_TYPE,
                 "something else than memory");
    sw_handle_close(event);
    sw_handle_duplicate(out_memory, SW_RIGHT_WRITE | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER, &weak);
    check_status(sw_block_write(disk, 0, 1, 0, weak, SW_NEVER), SW_ACCESS,
                 "writing from memory the client may not read");
    sw_handle_close(weak);
    sw_handle_duplicate(in_memory, SW_RIGHT_READ | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER, &weak);
    check_status(sw_block_read(disk, 0, 1, 0, weak, SW_NEVER), SW_ACCESS,
                 "reading into memory the client may not write");
    sw_handle_close(weak);
    sw_memory_create(SW_PAGE, 0, &sealed);
    sw_memory_seal(sealed);
    check(sw_block_read(disk, 0, 1, 0, sealed, SW_NEVER) != SW_OK, "reading into sealed memory",
          SW_OK);
    sw_handle_close(sealed);
}

static void read_only(handle_t disk)
{
    memset(out_bytes, 0xee, MEMORY);
    check_status(sw_block_write(disk, 0, 1, 0, out_memory, SW_NEVER), SW_READ_ONLY,
                 "writing to a read-only disk");
    check_status(sw_block_read(disk, 0, 8, 0, in_memory, SW_NEVER), SW_OK, "reading from it");
    check_status(sw_block_flush(disk, SW_NEVER), SW_OK, "flushing it");
}

/* A disk that answers some requests with an error: those fail, and nothing else. */
static void failing(handle_t disk)
{
    memset(out_bytes, 0, MEMORY);
    check_status(sw_block_write(disk, BAD_WRITE, 1, 0, out_memory, SW_NEVER), SW_IO,
                 "writing a sector the disk cannot write");
    check_status(sw_block_write(disk, BAD_WRITE + 1, 1, 0, out_memory, SW_NEVER), SW_OK,
                 "writing the next");
    check_status(sw_block_read(disk, BAD_READ - 8, 16, 0, in_memory, SW_NEVER), SW_IO,
                 "reading across a sector the disk cannot read");
    check_status(sw_block_read(disk, BAD_READ + 1, 1, 0, in_memory, SW_NEVER), SW_OK,
                 "reading the next");
    check_status(sw_block_flush(disk, SW_NEVER), SW_IO, "a flush the disk refuses");
}

/* Posts MANY requests, which the driver has all at once, and collects them. */
static bool at_once(handle_t disk, handle_t memory, uint16_t operation)
{
    static struct sw_block_write_request requests[MANY]; /* read's has the same fields */
    static struct sw_reply_header replies[MANY];
    static struct sw_call calls[MANY];
    handle_t port, objects[MANY];
    bool good = sw_port_create(&port) == SW_OK;

    for (uint32_t i = 0; i < MANY && good; i++) {
        requests[i] = (struct sw_block_write_request){
            .header = { SW_PROTOCOL_BLOCK, SW_PROTOCOL_BLOCK_VERSION, operation, 0 },
            .sector = MANY_AT + i * MANY_SECTORS,
            .count = MANY_SECTORS,
            .offset = i * MANY_SECTORS * SECTOR,
        };
        calls[i] = (struct sw_call){ .request = (uintptr_t)&requests[i],
                                     .request_length = sizeof requests[i],
                                     .reply = (uintptr_t)&replies[i],
                                     .reply_capacity = sizeof replies[i],
                                     .send_count = 1,
                                     .send = { memory } };
        good = sw_call_create(&objects[i]) == SW_OK &&
               sw_call_post(objects[i], disk, &calls[i], port, i, SW_NEVER) == SW_OK;
    }
    for (uint32_t done = 0; done < MANY && good; done++) {
        struct sw_wait wait = { 0 };
        uint32_t length, received;

        good = sw_port_wait(port, &wait, sw_clock_deadline(20 * SW_SECOND)) == SW_OK &&
               wait.event.kind == SW_EVENT_CALL_DONE && wait.event.key < MANY &&
               sw_call_collect(objects[wait.event.key], &calls[wait.event.key], &length,
                               &received) == SW_OK &&
               length >= sizeof replies[0] && replies[wait.event.key].status == SW_OK;
        sw_handle_close(objects[wait.event.key]);
    }
    sw_handle_close(port);
    return good;
}

static void many(handle_t disk)
{
    fill(out_bytes, MANY_AT, MANY * MANY_SECTORS);
    check(at_once(disk, out_memory, SW_OP_BLOCK_WRITE), "48 writes at once", SW_OK);
    check_status(sw_block_flush(disk, SW_NEVER), SW_OK, "flush");
    memset(in_bytes, 0, MEMORY);
    check(at_once(disk, in_memory, SW_OP_BLOCK_READ), "48 reads at once", SW_OK);
    check(holds(in_bytes, MANY_AT, MANY * MANY_SECTORS), "each read has its own sectors", SW_OK);
}

int main(void)
{
    void *out = NULL, *in = NULL;
    struct sw_block_list_reply list = { 0 };

    sw_mapping_create(MEMORY, 0, &out, &out_memory);
    sw_mapping_create(MEMORY, 0, &in, &in_memory);
    out_bytes = out, in_bytes = in;
    check_status(sw_block_list(sw_start_get("block"), &list, SW_NEVER), SW_OK, "the list of disks");
    check(list.count == 4 && list.legacy == 0, "has four", SW_OK);
    handle_t disk = find(WRITABLE_SECTORS, false), fixed = find(READ_ONLY_SECTORS, true);
    handle_t bad = find(FAILING_SECTORS, false);
    check(disk && fixed && bad, "a writable, a read-only and a failing disk", SW_OK);
    writes(disk);
    refusals(disk);
    read_only(fixed);
    failing(bad);
    many(disk);
    sw_log(SW_LOG_INFO, "1..%u", count);
    sw_clock_sleep(SW_NEVER);
    return 0;
}
