/* What a driver can do with what init really gives it, hostile: runs in blkd's place of a boot
 * bundle, with blkd's start handles and real disks, and as its neighbour (argument 0 says which).
 * Results go to the log, "ok N - what" or "not ok N - what".
 *
 * blkd lives three times: the first breaks out in every way it can think of and dies with a
 * request, an interrupt and a pin outstanding; the second finds what that left behind and dies by
 * its own will; the third keeps the device, and the neighbour, with a handle to it, gets nowhere.
 */
#include <stdarg.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>
#include <swos/virtio.h>

#define DRIVER_RIGHTS                                                                              \
    (SW_RIGHT_CLAIM | SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_BIND | SW_RIGHT_DMA)
#define SLOT_PINNED 0
#define QUEUE_SIZE 8
#define HEADER_OFFSET 1024
#define SECTOR 512
#define QUIET (300 * SW_MILLISECOND)
#define BEYOND 0x8000u /* 64 slots: all neighbours of a device of this machine */
#define INDICES 256
#define GENERATIONS 256

static unsigned count, failures;
static struct virtio_device disk;
static struct virtqueue queue;
static struct virtqueue_slot slots[QUEUE_SIZE];
static handle_t device, port;

__attribute__((format(printf, 2, 3))) static void check(int holds, const char *what, ...)
{
    char text[160];
    va_list arguments;

    va_start(arguments, what);
    sw_format_list(text, sizeof text, what, arguments);
    va_end(arguments);
    sw_log(SW_LOG_INFO, "%sok %u - %s", holds ? "" : "not ", ++count, text);
    failures += !holds;
}

static void check_status(status_t got, status_t wanted, const char *what)
{
    check(got == wanted, "%s: %s", what, sw_status_name(got));
}

static struct sw_device_info facts(void)
{
    struct sw_device_info info = { 0 };

    sw_device_info(device, &info);
    return info;
}

static handle_t first_device(void)
{
    const struct sw_start_handle *entry;

    for (size_t i = 0; (entry = sw_start_handle_at(i)); i++)
        if (strncmp(sw_start_text(entry->offset), "device/", strlen("device/")) == 0)
            return entry->handle;
    return 0;
}

/* ------------------------------------------------------------------ what it was given */

static uint32_t rights_of(handle_t handle)
{
    uint32_t type, rights = 0;
    uint64_t id;

    sw_handle_info(handle, &type, &rights, &id);
    return rights;
}

/* Handles are numbers: no guess is one, nor any number that looks like one. */
static void guess_handles(unsigned given)
{
    unsigned found = 0;
    uint32_t type, rights;
    uint64_t id;

    for (uint32_t generation = 0; generation < GENERATIONS; generation++)
        for (uint32_t index = 0; index < INDICES; index++)
            found += sw_handle_info(generation << 16 | index, &type, &rights, &id) == SW_OK;
    check(found == given, "%u of %u guessed handles exist, %u were given", found,
          INDICES * GENERATIONS, given);
}

static void given(void)
{
    const struct sw_start_handle *entry;
    handle_t more = 0, root = sw_start_get("job");
    struct sw_system_info before;
    unsigned handles = 0, devices = 0;

    for (size_t i = 0; (entry = sw_start_handle_at(i)); i++) {
        const char *name = sw_start_text(entry->offset);
        bool is_device = strncmp(name, "device/", strlen("device/")) == 0;

        handles += entry->handle != 0;
        devices += is_device;
        check(!is_device || rights_of(entry->handle) == DRIVER_RIGHTS, "rights of %s: %x", name,
              (unsigned)rights_of(entry->handle));
        /* fd/0 is no handle, fd/1 and fd/2 end in its log. */
        check(is_device || !strcmp(name, "serve") || !strcmp(name, "job") ||
                  !strcmp(name, "names") || !strcmp(name, "log") || !strncmp(name, "fd/", 3),
              "given: %s", name);
    }
    check(devices == 2, "both disks and no other device: %u", devices);
    guess_handles(handles + 1); /* and the port */
    check_status(sw_handle_duplicate(device, DRIVER_RIGHTS | SW_RIGHT_MANAGE, &more), SW_ACCESS,
                 "more rights to the device");
    check_status(sw_device_release(device), SW_ACCESS, "revoking");
    check((rights_of(root) & (SW_RIGHT_MINT_CODE | SW_RIGHT_LOGIN | SW_RIGHT_POWER)) == 0,
          "its job is no authority");
    check_status(sw_power(root, SW_POWER_OFF), SW_ACCESS, "switching off");
    check_status(sw_entropy_add(root, "0123456789abcdef", 16), SW_ACCESS, "feeding the generator");
    check_status(sw_system_info(&before), SW_OK, "facts about the machine");
}

/* ------------------------------------------------------------------ registers */

/* Every offset from inside the last register to far behind the device, and the wrap below it, in
 * every width, is refused for reading and for writing. */
static void neighbours(uint32_t length)
{
    const struct {
        uint32_t first, last;
    } ranges[] = { { length - 7, length + BEYOND }, { UINT32_MAX - BEYOND, UINT32_MAX } };
    unsigned tries = 0, reached = 0;

    for (size_t range = 0; range < 2; range++) {
        for (uint64_t offset = ranges[range].first; offset <= ranges[range].last; offset++) {
            for (uint32_t width = 1; width <= 8; width *= 2) {
                uint64_t value;

                if (offset + width <= length)
                    continue; /* its own last register */
                tries += 2;
                reached += sw_device_read(device, (uint32_t)offset, width, &value) == SW_OK;
                reached += sw_device_write(device, (uint32_t)offset, width, ~0ull) == SW_OK;
            }
        }
    }
    check(reached == 0 && tries > 8 * BEYOND, "%u of %u accesses reached a neighbour", reached,
          tries);
}

static void registers(void)
{
    uint32_t length = (uint32_t)facts().length;
    uint64_t value, mapped;

    check_status(sw_device_read(device, 0, 3, &value), SW_INVALID, "three bytes");
    check_status(sw_device_read(device, 0, 16, &value), SW_INVALID, "sixteen bytes");
    check_status(sw_device_read(device, 2, 4, &value), SW_INVALID, "unaligned");
    check_status(sw_memory_map(device, 0, 0, SW_PAGE, SW_MAP_READ, &mapped), SW_WRONG_TYPE,
                 "mapping the page, which is the neighbours', too");
    neighbours(length);
    check_status(sw_device_read(device, 0, 4, &value), SW_OK, "its own first register");
}

/* ------------------------------------------------------------------ interrupts */

static status_t wait_event(uint64_t patience, struct sw_event *out_event)
{
    static uint64_t buffer[64];
    struct sw_wait wait = { .buffer = (uintptr_t)buffer, .capacity = sizeof buffer };
    status_t status = sw_port_wait(port, &wait, sw_clock_deadline(patience));

    *out_event = wait.event;
    return status;
}

static void interrupt_comes(const char *what)
{
    struct sw_event event = { 0 };
    status_t status = wait_event(5 * SW_SECOND, &event);

    check(status == SW_OK && event.kind == SW_EVENT_INTERRUPT, "%s: %s", what,
          sw_status_name(status));
}

static void nothing_comes(const char *what)
{
    struct sw_event event = { 0 };
    status_t status = wait_event(QUIET, &event);

    check(status == SW_TIMED_OUT, "%s: %s, event %u", what, sw_status_name(status),
          (unsigned)event.kind);
}

/* ------------------------------------------------------------------ a real request */

/* Starts the disk; ring, header and status lie in the first page of `memory`, data in the second.
 */
static uint64_t disk_start(handle_t memory, uint8_t *page)
{
    uint64_t bus[2] = { 0 };

    check_status(virtio_open(&disk, device, VIRTIO_ID_BLOCK, 0, 0), SW_OK, "claiming the disk");
    check_status(sw_device_pin(device, memory, 0, 2 * SW_PAGE, bus), SW_OK, "pinning two pages");
    virtqueue_init(&queue, QUEUE_SIZE, page, slots, false);
    virtqueue_arm(&queue);
    check_status(virtio_queue_start(&disk, 0, &queue, bus[0]), SW_OK, "its queue");
    check_status(sw_port_bind(port, device, UINT64_MAX, 1), SW_OK, "binding its interrupt");
    check_status(virtio_start(&disk), SW_OK, "starting it");
    return bus[0];
}

static void disk_read(uint64_t bus, uint8_t *page)
{
    struct virtqueue_buffer buffers[] = { { bus + HEADER_OFFSET, 16 },
                                          { bus + SW_PAGE, SECTOR },
                                          { bus + HEADER_OFFSET + 16, 1 } };

    memset(page + HEADER_OFFSET, 0, 16); /* read sector 0 */
    virtqueue_add(&queue, buffers, 1, 2, NULL);
    virtio_notify(&disk, 0, &queue);
}

static void disk_finish(void)
{
    void *context;
    uint32_t written;

    virtio_acknowledge(&disk);
    check(virtqueue_take(&queue, &context, &written), "the request is done");
    virtqueue_arm(&queue);
    virtio_unmask(&disk);
}

/* ------------------------------------------------------------------ memory of others */

static void memory_of_others(void)
{
    uint64_t bus[4];
    handle_t memory = 0, readable = 0, sealed = 0;

    check_status(sw_memory_create(2 * SW_PAGE, 0, &memory), SW_OK, "memory");
    sw_handle_duplicate(memory, SW_RIGHT_READ | SW_RIGHT_MAP, &readable);
    check_status(sw_device_pin(device, readable, 0, SW_PAGE, bus), SW_ACCESS,
                 "DMA into memory it may only read");
    check_status(sw_device_pin(device, memory, SW_PAGE, 2 * SW_PAGE, bus), SW_OUT_OF_RANGE,
                 "DMA behind the end of memory");
    check_status(sw_device_pin(device, memory, 0, 0, bus), SW_OUT_OF_RANGE, "DMA of nothing");
    check_status(sw_device_pin(device, memory, 1, SW_PAGE, bus), SW_OUT_OF_RANGE, "DMA off a page");
    check_status(sw_device_pin(device, memory, 0, SW_PIN_MAX + SW_PAGE, bus), SW_TOO_LARGE,
                 "DMA of more than a pin may have");
    check_status(sw_memory_create(SW_PAGE, 0, &sealed), SW_OK, "memory");
    sw_memory_seal(sealed);
    check_status(sw_device_pin(device, sealed, 0, SW_PAGE, bus), SW_BAD_STATE, "DMA into sealed");
    const char *const others[] = { "serve", "job", "names", "log" };
    for (size_t i = 0; i < 4; i++)
        check_status(sw_device_pin(device, sw_start_get(others[i]), 0, SW_PAGE, bus), SW_WRONG_TYPE,
                     "DMA into what is no memory");
    unsigned pinned = 0;
    for (uint32_t i = 0; i < INDICES * GENERATIONS; i++) {
        handle_t guess = i % GENERATIONS << 16 | i / GENERATIONS;
        if (rights_of(guess) == 0) /* not one of its own */
            pinned += sw_device_pin(device, guess, 0, SW_PAGE, bus) != SW_BAD_HANDLE;
    }
    check(pinned == 0, "memory objects reached by guessed handles: %u", pinned);
    check(facts().pins == 1, "pins after all that: %u", (unsigned)facts().pins);
}

/* ------------------------------------------------------------------ the three lives */

/* By a wild pointer, into the page that is never mapped. */
static void die(void)
{
    volatile uint32_t *volatile nowhere = (uint32_t *)(uintptr_t)8;

    *nowhere = 1;
}

static void first_life(void)
{
    void *page;
    handle_t memory = 0;
    uint64_t value;

    given();
    check_status(sw_device_read(device, 0, 4, &value), SW_BAD_STATE, "reading before the claim");
    check_status(sw_device_ack(device), SW_BAD_STATE, "unmasking before the claim");
    check_status(sw_mapping_create(2 * SW_PAGE, SW_MEMORY_COMMIT, &page, &memory), SW_OK, "memory");
    sw_job_keep(sw_start_get("job"), SLOT_PINNED, memory);
    uint64_t bus = disk_start(memory, page);
    check(facts().generation == 1 && facts().claimed != 0, "generation %u",
          (unsigned)facts().generation);
    check_status(sw_device_claim(device), SW_BUSY, "a second claim");
    registers();
    nothing_comes("no interrupt but its own");
    disk_read(bus, page);
    interrupt_comes("its own interrupt");
    check(facts().flags == (SW_DEVICE_MASKED | SW_DEVICE_PENDING), "masked until then: %x",
          (unsigned)facts().flags);
    disk_finish();
    check(facts().flags == 0, "open afterwards: %x", (unsigned)facts().flags);
    memory_of_others();
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing what the disk may write");
    sw_mapping_unmap(page, 2 * SW_PAGE);
    check_status(sw_memory_seal(memory), SW_BUSY, "also when nobody maps it");
    sw_log(SW_LOG_INFO, "life 1: %u checks, %u failed", count, failures);
    /* A request goes out, its interrupt comes, and nobody is left to hear it. */
    sw_mapping_map(memory, 0, 2 * SW_PAGE, SW_MAP_READ | SW_MAP_WRITE, &page);
    disk_read(bus, page);
    die();
}

static void second_life(void)
{
    void *page, *fresh;
    handle_t memory = 0, own = 0;
    uint64_t value, size = 0, committed;
    uint32_t sealed;
    struct sw_device_info info = facts();

    check(info.claimed == 0 && info.generation == 1, "the dead driver's device is free");
    check(info.flags == SW_DEVICE_MASKED, "its interrupt is masked: %x", (unsigned)info.flags);
    check(info.pins == 1, "its pin is held: %u", (unsigned)info.pins);
    check_status(sw_job_kept(sw_start_get("job"), SLOT_PINNED, &memory), SW_OK, "its memory");
    check_status(sw_memory_info(memory, &size, &committed, &sealed), SW_OK, "facts about it");
    check(size == 2 * SW_PAGE && committed == size, "it is all there");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing it");
    check_status(sw_memory_decommit(memory, 0, SW_PAGE), SW_BUSY, "giving its pages back");
    check_status(sw_device_read(device, 0, 4, &value), SW_BAD_STATE, "reading without a claim");
    check_status(sw_device_reset(device), SW_BAD_STATE, "dropping pins without a claim");
    check_status(sw_port_bind(port, device, UINT64_MAX, 1), SW_OK, "binding the interrupt");
    nothing_comes("the dead driver's interrupt");
    check_status(sw_device_claim(device), SW_OK, "claiming");
    check(facts().generation == 2, "generation %u", (unsigned)facts().generation);
    nothing_comes("nor after the claim");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing before the reset");
    check_status(sw_mapping_create(2 * SW_PAGE, SW_MEMORY_COMMIT, &fresh, &own), SW_OK, "memory");
    check_status(sw_device_pin(device, own, 0, SW_PAGE, &value), SW_OK, "a pin of its own");
    check_status(sw_device_unpin(device, memory), SW_NOT_FOUND, "unpinning the predecessor's");
    disk = (struct virtio_device){ .handle = device };
    check_status(virtio_reset(&disk), SW_OK, "resetting the disk");
    check_status(sw_device_reset(device), SW_OK, "dropping old pins");
    check(facts().pins == 1, "its own pin stays: %u", (unsigned)facts().pins);
    sw_mapping_unmap(fresh, 2 * SW_PAGE);
    check_status(sw_memory_seal(own), SW_BUSY, "sealing its own");
    check_status(sw_memory_seal(memory), SW_OK, "sealing the predecessor's");
    sw_job_keep(sw_start_get("job"), SLOT_PINNED, 0);
    check_status(sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ, &page), SW_OK, "reading it");
    sw_log(SW_LOG_INFO, "life 2: %u checks, %u failed", count, failures);
    sw_process_exit(3);
}

static void third_life(void)
{
    struct sw_device_info info = facts();

    check(info.claimed == 0 && info.generation == 2 && info.pins == 1,
          "free after an exit too, its pin held");
    check_status(sw_device_claim(device), SW_OK, "claiming for good");
    sw_log(SW_LOG_INFO, "life 3: %u checks, %u failed", count, failures);
    sw_clock_sleep(SW_NEVER);
}

/* With a handle that has a driver's rights, to a device that another process drives. */
static void neighbour(void)
{
    uint64_t value, bus;
    handle_t memory = 0;

    while (facts().generation < 3)
        sw_clock_sleep(sw_clock_deadline(10 * SW_MILLISECOND));
    check_status(sw_device_claim(device), SW_BUSY, "claiming a neighbour's device");
    check_status(sw_device_read(device, 0, 4, &value), SW_BAD_STATE, "reading its registers");
    check_status(sw_device_write(device, 0x70, 4, 0), SW_BAD_STATE, "resetting it");
    check_status(sw_device_ack(device), SW_BAD_STATE, "unmasking its interrupt");
    check_status(sw_device_reset(device), SW_BAD_STATE, "dropping its pins");
    check_status(sw_memory_create(SW_PAGE, 0, &memory), SW_OK, "memory");
    check_status(sw_device_pin(device, memory, 0, SW_PAGE, &bus), SW_BAD_STATE, "DMA through it");
    sw_log(SW_LOG_INFO, "life 1: %u checks, %u failed", count, failures);
    sw_clock_sleep(SW_NEVER);
}

int main(void)
{
    device = first_device();
    sw_port_create(&port);
    if (strcmp(sw_start_argument(0), "blkd") != 0)
        neighbour();
    else if (facts().generation == 0)
        first_life();
    else if (facts().generation == 1)
        second_life();
    else
        third_life();
    return 1;
}
