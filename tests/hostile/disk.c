/* An imgfs whose disk lies: another one than the system's, with this process as its blkd, which has
 * the true disk to pass on. It reads what is true or nothing; it serves nothing else; a client that
 * comes when the disk has become honest gets everything. */
#include "check.h"
#include "hostile.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <swos/mapping.h>
#include <swos/message.h>
#include <swos/protocol.h>
#include <swos/thread.h>
#include <unistd.h>

#define IMGFS "/bin/tests/imgfs"
#define KILLED 137
#define NO_BASE_FIRST 10 /* its exit statuses when it cannot mount (docs/architecture.md) */
#define NO_BASE_LAST 20
#define PATIENCE (30 * SW_SECOND)
#define MOUNTS 12
#define MANNERS 24 /* of which the first ones are lies */
#define SECTOR 512u
#define EXTENTS 3 /* read of a large file */

enum manner { ODD, DEAD, LATE, UNREAD, FLIPPED, SEALED, ELSEWHERE, WRITTEN_LATER };

static struct {
    handle_t channel, port, disk;
    _Atomic bool lies;
    uint32_t told; /* lies */
} liar;

/* ------------------------------------------------------------------ the driver */

/* Answers with what the true disk says. */
static void pass(const struct sw_event *event, const uint8_t *message, uint64_t away,
                 uint8_t *out_reply, uint32_t *out_length)
{
    const struct sw_block_read_request *in = (const void *)message;
    struct sw_reply_header header = { SW_NOT_SUPPORTED, 0 };
    handle_t memory = event->received_count ? event->received[0] : 0;

    *out_length = sizeof(header);
    switch (in->header.operation) {
    case SW_OP_BLOCK_INFO: {
        struct sw_block_info_reply info = { 0 };
        header.status = sw_block_info(liar.disk, &info, SW_NEVER);
        memcpy(out_reply, &info, sizeof(info));
        *out_length = sizeof(info);
        break;
    }
    case SW_OP_BLOCK_READ:
        header.status =
            sw_block_read(liar.disk, in->sector + away, in->count, in->offset, memory, SW_NEVER);
        break;
    case SW_OP_BLOCK_LIST: {
        struct sw_block_list_reply list = { .count = 1 };
        header.status = SW_OK;
        memcpy(out_reply, &list, sizeof(list));
        *out_length = sizeof(list);
    }
    }
    memcpy(out_reply, &header, sizeof(header));
}

static void flip(const struct sw_event *event)
{
    uint64_t size = 0, committed, done, at;
    uint32_t sealed;
    uint8_t byte;

    sw_memory_info(event->received[0], &size, &committed, &sealed);
    at = size ? below((uint32_t)size) : 0;
    if (sw_memory_read(event->received[0], at, &byte, 1, &done) == SW_OK) {
        byte ^= 1;
        sw_memory_write(event->received[0], at, &byte, 1, &done);
    }
}

static void answer_oddly(const struct sw_event *event, const uint8_t *message)
{
    static _Alignas(8) uint8_t bytes[SW_MESSAGE_MAX];
    static const char *const surplus[SW_HANDLES_MAX] = { "event", "memory", "pipe", "job" };
    const struct operation *operation = operation_find(message, event->request_length);
    struct sw_reply reply = { .data = (uint64_t)(uintptr_t)bytes,
                              .length = below(event->reply_capacity + 1) };
    struct sw_reply_header header = { below(2) ? SW_OK : (int32_t)odd_number() % 64, 0 };

    odd_fill(bytes, sizeof(bytes));
    if (operation && below(2))
        reply.length = (uint32_t)odd_compose(bytes, &operation->reply, event->reply_capacity);
    memcpy(bytes, &header, sizeof(header));
    reply.send_count = odd_handles(surplus, reply.send);
    sw_reply(event->token, &reply);
}

static void drive(const struct sw_event *event, const uint8_t *message)
{
    static _Alignas(8) uint8_t bytes[SW_MESSAGE_MAX];
    enum manner manner = liar.lies ? below(MANNERS) : MANNERS;
    const bool has_memory = event->received_count == 1;
    struct sw_reply reply = { .data = (uint64_t)(uintptr_t)bytes };
    void *mapped = NULL;

    memset(bytes, 0, sizeof(bytes));
    liar.told += manner <= WRITTEN_LATER;
    if (manner == ODD || manner == DEAD || (manner <= WRITTEN_LATER && !has_memory)) {
        if (manner == DEAD) {
            sw_channel_leave(liar.channel);
            sw_channel_serve(liar.channel, liar.port, 0);
        } else {
            answer_oddly(event, message);
        }
        return;
    }
    if (manner == LATE)
        sw_clock_sleep(20 * SW_MILLISECOND);
    if (manner == SEALED)
        sw_memory_seal(event->received[0]);
    if (manner == UNREAD)
        reply.length = sizeof(struct sw_reply_header); /* and success */
    else
        pass(event, message, manner == ELSEWHERE ? 8 : 0, bytes, &reply.length);
    if (manner == FLIPPED)
        flip(event);
    if (manner == WRITTEN_LATER)
        sw_mapping_map(event->received[0], 0, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &mapped);
    sw_reply(event->token, &reply);
    if (mapped) {
        memset(mapped, 0xff, SECTOR);
        sw_mapping_unmap(mapped, SW_PAGE);
    }
}

static void *drive_all(void *argument)
{
    static _Alignas(8) uint8_t message[SW_MESSAGE_MAX];

    random_state = *(const uint64_t *)argument;
    for (;;) {
        struct sw_wait wait = { .buffer = (uint64_t)(uintptr_t)message,
                                .capacity = sizeof(message) };
        if (sw_port_wait(liar.port, &wait, SW_NEVER) != SW_OK ||
            wait.event.kind != SW_EVENT_MESSAGE)
            continue;
        drive(&wait.event, message);
        for (uint32_t i = 0; i < wait.event.received_count; i++)
            sw_handle_close(wait.event.received[i]);
    }
    return NULL;
}

/* ------------------------------------------------------------------ imgfs */

struct imgfs {
    handle_t job, process, connection;
};

static status_t imgfs_start(struct imgfs *imgfs)
{
    handle_t channel, block, disk;
    status_t status = sw_job_create(sw_start_get("job"), &(struct sw_limits){ 0 }, &imgfs->job);

    if (status != SW_OK || (status = sw_channel_create(&channel)) != SW_OK ||
        (status = sw_connection_create(channel, 0, &imgfs->connection)) != SW_OK ||
        (status = sw_connection_create(liar.channel, 0, &block)) != SW_OK ||
        (status = sw_connection_create(liar.channel, 1, &disk)) != SW_OK)
        return status;
    /* It says nothing: each block that is wrong would be a line. */
    const struct sw_spawn_handle handles[] = {
        { .name = "serve", .handle = channel, .rights = SW_RIGHT_SERVE, .move = true },
        { .name = "block", .handle = block, .move = true },
        { .name = "disk/0", .handle = disk, .move = true },
        { .name = "job", .handle = imgfs->job },
        { .name = "code", .handle = imgfs->job },
    };
    const struct sw_spawn_descriptor none;
    const struct sw_spawn_options options = { .job = imgfs->job,
                                              .bare = true,
                                              .descriptors = &none,
                                              .handles = handles,
                                              .handle_count =
                                                  sizeof(handles) / sizeof(handles[0]) };

    return sw_spawn_program(IMGFS, &options, &imgfs->process, NULL);
}

static void imgfs_end(struct imgfs *imgfs)
{
    sw_job_kill(imgfs->job, KILLED);
    sw_handle_close(imgfs->process);
    sw_handle_close(imgfs->connection);
    sw_handle_close(imgfs->job);
}

/* Whether it has come to serve; else *out_result is what it ended with, or -1. */
static bool imgfs_serves(const struct imgfs *imgfs, int32_t *out_result)
{
    uint64_t limit = sw_clock_deadline(PATIENCE);

    *out_result = -1;
    while (sw_clock_monotonic() < limit) {
        struct sw_file_space_reply reply;
        if (sw_file_space(imgfs->connection, &reply, sw_clock_deadline(50 * SW_MILLISECOND)) ==
            SW_OK)
            return true;
        if (sw_process_wait(imgfs->process, 0, out_result) == SW_OK)
            return false;
    }
    return false;
}

/* ------------------------------------------------------------------ its client */

static const char *const files[] = { "hello.txt", "etc/hostname", "bin/cat", "bin/drvinputd",
                                     "bench/big" };
#define FILES (sizeof(files) / sizeof(files[0]))

/* Whether memory holds what the file of the system's imgfs does. */
static bool is_true(const char *path, uint64_t offset, handle_t memory, size_t size)
{
    char absolute[64];
    uint8_t *wanted = malloc(size);
    void *got = NULL;
    bool same = false;

    snprintf(absolute, sizeof(absolute), "/%s", path);
    int fd = open(absolute, O_RDONLY);
    if (wanted && fd >= 0 && pread(fd, wanted, size, (off_t)offset) == (ssize_t)size &&
        sw_mapping_map(memory, 0, size, SW_MAP_READ, &got) == SW_OK)
        same = memcmp(wanted, got, size) == 0;
    if (got)
        sw_mapping_unmap(got, size);
    if (fd >= 0)
        close(fd);
    free(wanted);
    return same;
}

/* Reads one extent of a large file. */
static status_t read_extent(const struct imgfs *imgfs, const char *path,
                            const struct sw_attributes *attributes, bool *out_true)
{
    uint64_t index = below(EXTENTS);
    handle_t memory;
    status_t status = sw_file_extent(imgfs->connection, attributes->id, index, &memory,
                                     sw_clock_deadline(PATIENCE));

    if (status == SW_OK) {
        *out_true = is_true(path, index * SW_FILE_EXTENT, memory, SW_FILE_EXTENT);
        sw_handle_close(memory);
    }
    return status;
}

static status_t read_file(const struct imgfs *imgfs, const char *path, bool *out_true)
{
    struct sw_file_open_reply reply;
    handle_t memory = 0;
    status_t status = sw_file_open(imgfs->connection, SW_OPEN_READ, 0, path, strlen(path), &reply,
                                   &memory, sw_clock_deadline(PATIENCE));

    *out_true = true;
    if (status != SW_OK)
        return status;
    if (reply.form == 2)
        return read_extent(imgfs, path, &reply.attributes, out_true);
    *out_true = is_true(path, 0, memory, reply.attributes.size);
    sw_handle_close(memory);
    return SW_OK;
}

static status_t open_program(const struct imgfs *imgfs)
{
    struct sw_file_open_program_reply reply;
    handle_t memory[4] = { 0 };
    status_t status =
        sw_file_open_program(imgfs->connection, "bin/cat", 7, &reply, &memory[0], &memory[1],
                             &memory[2], &memory[3], sw_clock_deadline(PATIENCE));

    for (int i = 0; i < 4; i++)
        if (memory[i])
            sw_handle_close(memory[i]);
    return status;
}

/* ------------------------------------------------------------------ the rounds */

static void mounts(void)
{
    uint32_t mounted = 0, refused = 0;

    for (uint32_t i = 0; i < MOUNTS; i++) {
        struct imgfs imgfs = { 0 };
        int32_t result;
        if (imgfs_start(&imgfs) != SW_OK) {
            check(0, IMGFS " starts");
            return;
        }
        if (imgfs_serves(&imgfs, &result))
            mounted++;
        else if (result >= NO_BASE_FIRST && result <= NO_BASE_LAST)
            refused++;
        else
            check(0, "it neither mounts nor says why not, but ends with %d", (int)result);
        imgfs_end(&imgfs);
    }
    check(mounted + refused == MOUNTS, "%u times mounted, %u times refused", (unsigned)mounted,
          (unsigned)refused);
}

static void reads(const struct imgfs *imgfs, uint32_t count)
{
    struct sw_process_info before = { 0 }, after = { 0 };
    uint32_t failures = 0;

    for (uint32_t i = 0; i < count; i++) {
        const char *path = files[below(FILES)];
        bool good = true;
        if (below(3) == 0 || i == count / 4)
            sw_file_trim(imgfs->connection, sw_clock_deadline(PATIENCE));
        if (i == count / 4)
            sw_process_info(imgfs->process, &before);
        status_t status = below(4) == 0 ? open_program(imgfs) : read_file(imgfs, path, &good);
        failures += status != SW_OK;
        if (!good || status == SW_PEER_DIED || status == SW_UNKNOWN_OUTCOME ||
            status == SW_TIMED_OUT) {
            check(0, "%s: %s, %s", path, sw_status_name(status), good ? "" : "not what it holds");
            return;
        }
    }
    sw_file_trim(imgfs->connection, sw_clock_deadline(PATIENCE));
    sw_process_info(imgfs->process, &after);
    check(after.memory <= before.memory + (1u << 20) && after.handles <= before.handles + 8,
          "imgfs is as large: %llu bytes, then %llu; %u handles, then %u",
          (unsigned long long)before.memory, (unsigned long long)after.memory,
          (unsigned)before.handles, (unsigned)after.handles);
    check(liar.told > count / 8 && failures < count,
          "imgfs is told %u lies (%s) and fails %u of %u times", (unsigned)liar.told, "block",
          (unsigned)failures, (unsigned)count);
}

/* The disk that the system has its base from: the one that is not written. */
static handle_t true_disk(void)
{
    static const char *const names[] = { "disk/0", "disk/1" };
    struct sw_block_info_reply info;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        handle_t disk = sw_start_get(names[i]);
        if (disk && sw_block_info(disk, &info, sw_clock_deadline(PATIENCE)) == SW_OK &&
            info.read_only)
            return disk;
    }
    return 0;
}

int service_disk(uint32_t count)
{
    struct sw_thread *thread;
    struct imgfs imgfs = { 0 };
    uint64_t seed = random_state;
    int32_t result;

    liar.disk = true_disk();
    liar.lies = true;
    if (!odds_create() || sw_channel_create(&liar.channel) != SW_OK ||
        sw_port_create(&liar.port) != SW_OK ||
        sw_channel_serve(liar.channel, liar.port, 0) != SW_OK ||
        sw_thread_start(drive_all, &seed, 0, &thread) != SW_OK)
        return 2;
    mounts();
    liar.lies = false;
    if (imgfs_start(&imgfs) != SW_OK || !imgfs_serves(&imgfs, &result))
        return 2;
    liar.lies = true;
    reads(&imgfs, count / 4);
    liar.lies = false;
    sw_file_trim(imgfs.connection, sw_clock_deadline(PATIENCE));
    for (size_t i = 0; i < FILES; i++) {
        bool good;
        status_t status = read_file(&imgfs, files[i], &good);
        check(status == SW_OK && good, "%s of an honest disk: %s", files[i],
              sw_status_name(status));
    }
    imgfs_end(&imgfs);
    return check_done();
}
