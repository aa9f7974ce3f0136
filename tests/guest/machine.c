/* What only the holder of the machine's authorities and devices can try, as the first process of a
 * machine of its own (in keeper's place of a boot bundle): code authority, DMA pins, leases,
 * interrupts, sessions. Prints TAP to the serial line and switches off. */
#include <stdarg.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/start.h>
#include <swos/status.h>

static handle_t root;
static unsigned count;

__attribute__((format(printf, 2, 3))) static void check(int holds, const char *what, ...)
{
    char text[128], line[160];
    va_list arguments;

    va_start(arguments, what);
    sw_format_list(text, sizeof text, what, arguments);
    va_end(arguments);
    size_t length =
        sw_format(line, sizeof line, "%sok %u - %s\n", holds ? "" : "not ", ++count, text);
    sw_early_write(root, line, (uint32_t)length);
}

static void check_status(status_t got, status_t wanted, const char *what)
{
    check(got == wanted, "%s: %s", what, sw_status_name(got));
}

static void check_refused(status_t got, const char *what)
{
    check(got != SW_OK, "%s: %s", what, sw_status_name(got));
}

/* An empty virtio slot: a device without a device behind it, safe to program. */
static handle_t empty_device(void)
{
    const struct sw_start_handle *entry;

    for (size_t i = 0; (entry = sw_start_handle_at(i)); i++) {
        struct sw_device_info info;

        if (strncmp(sw_start_text(entry->offset), "device/", strlen("device/")) == 0 &&
            sw_device_info(entry->handle, &info) == SW_OK && info.kind == SW_DEVICE_VIRTIO_MMIO &&
            info.virtio_id == 0)
            return entry->handle;
    }
    return 0;
}

static handle_t new_memory(uint64_t size)
{
    handle_t memory = 0;

    check_status(sw_memory_create(size, 0, &memory), SW_OK, "memory");
    return memory;
}

/* Only the code authority makes executable what was sealed, and nothing else. */
static void code_authority(void)
{
    handle_t memory = new_memory(SW_PAGE), code = 0;
    void *page;
    uint64_t done;

    check_refused(sw_memory_mint(root, memory, &code), "minting memory that is not sealed");
    check_status(sw_memory_seal(memory), SW_OK, "sealing");
    check_status(sw_memory_mint(root, memory, &code), SW_OK, "minting sealed memory");
    check_refused(sw_mapping_map(memory, 0, SW_PAGE, SW_MAP_READ | SW_MAP_EXECUTE, &page),
                  "executing by the handle that was not minted");
    check_status(sw_mapping_map(code, 0, SW_PAGE, SW_MAP_READ | SW_MAP_EXECUTE, &page), SW_OK,
                 "executing by the minted one");
    check_refused(sw_memory_protect((uintptr_t)page, SW_PAGE, SW_MAP_READ | SW_MAP_WRITE),
                  "writing what is executable");
    check_refused(sw_memory_write(code, 0, &done, sizeof done, &done), "writing by the minted one");
    sw_mapping_unmap(page, SW_PAGE);
    sw_handle_close(code);
    sw_handle_close(memory);
}

/* Memory a device may write is not sealed, and sealed memory is not pinned. */
static void pins(handle_t device)
{
    uint64_t addresses[2] = { 0 };
    handle_t memory = new_memory(2 * SW_PAGE), sealed = new_memory(SW_PAGE);

    check_status(sw_device_pin(device, memory, 0, SW_PAGE, addresses), SW_BAD_STATE,
                 "pinning without a claim");
    check_status(sw_device_claim(device), SW_OK, "claiming");
    check_status(sw_device_claim(device), SW_BUSY, "claiming again");
    check_status(sw_device_pin(device, memory, 0, 2 * SW_PAGE, addresses), SW_OK, "pinning");
    check(addresses[0] >= 0x40000000 && addresses[0] % SW_PAGE == 0 &&
              addresses[1] % SW_PAGE == 0 && addresses[0] != addresses[1],
          "bus addresses of two pages");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing what is pinned");
    check_status(sw_memory_decommit(memory, 0, SW_PAGE), SW_BUSY, "giving back what is pinned");
    check_status(sw_device_unpin(device, memory), SW_OK, "unpinning");
    check_status(sw_device_unpin(device, memory), SW_NOT_FOUND, "unpinning again");
    check_status(sw_memory_seal(sealed), SW_OK, "sealing another");
    check_refused(sw_device_pin(device, sealed, 0, SW_PAGE, addresses), "pinning what is sealed");
    check_status(sw_device_pin(device, memory, 2 * SW_PAGE, SW_PAGE, addresses), SW_OUT_OF_RANGE,
                 "pinning behind the end");

    /* A pin belongs to the device: it outlives the claim, until a successor has reset it. */
    check_status(sw_device_pin(device, memory, 0, SW_PAGE, addresses), SW_OK, "pinning once more");
    check_status(sw_device_release(device), SW_OK, "the claim ends");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing before the device was reset");
    check_status(sw_device_claim(device), SW_OK, "a successor claims");
    check_status(sw_memory_seal(memory), SW_BUSY, "sealing before it has reset the device");
    check_status(sw_device_reset(device), SW_OK, "it resets the device");
    check_status(sw_memory_seal(memory), SW_OK, "sealing then");
    check_status(sw_device_release(device), SW_OK, "releasing");
    sw_handle_close(memory);
    sw_handle_close(sealed);
}

/* Memory goes on existing while a device may write it, and comes back after the reset. */
static void pinned_pages(handle_t device)
{
    struct sw_system_info before, during, after;
    uint64_t addresses[16];
    handle_t memory;

    sw_system_info(&before);
    memory = new_memory(16 * SW_PAGE);
    sw_device_claim(device);
    check_status(sw_device_pin(device, memory, 0, 16 * SW_PAGE, addresses), SW_OK, "pinning 16");
    sw_handle_close(memory);
    sw_system_info(&during);
    check(before.ram_free - during.ram_free >= 16 * SW_PAGE, "pinned pages outlive the handle");
    sw_device_release(device);
    sw_device_claim(device);
    sw_device_reset(device);
    sw_device_release(device);
    sw_system_info(&after);
    check(after.ram_free == before.ram_free, "and come back with the reset: %d pages",
          (int)((int64_t)(after.ram_free - before.ram_free) / SW_PAGE));
}

/* Registers are the claimant's, whole, in range and aligned. */
static void registers(handle_t device)
{
    struct sw_device_info info;
    uint64_t value = 0;

    check_status(sw_device_info(device, &info), SW_OK, "facts about the device");
    check_status(sw_device_read(device, 0, 4, &value), SW_BAD_STATE, "reading without a claim");
    check_status(sw_device_take(device, 0, 4, &(struct sw_device_taken){ 0 }), SW_BAD_STATE,
                 "taking without a claim");
    sw_device_claim(device);
    check_status(sw_device_read(device, 0, 4, &value), SW_OK, "reading the first register");
    check(value == 0x74726976, "it is virtio's magic: %llx", (unsigned long long)value);
    check_refused(sw_device_read(device, (uint32_t)info.length, 4, &value), "reading the end");
    check_refused(sw_device_read(device, (uint32_t)info.length - 2, 4, &value),
                  "reading across the end");
    check_refused(sw_device_read(device, UINT32_MAX - 2, 4, &value), "reading at the wrap");
    check_refused(sw_device_read(device, 2, 4, &value), "reading unaligned");
    check_status(sw_device_read(device, 0, 3, &value), SW_INVALID, "reading three bytes");
    struct sw_device_taken taken = { .taken = 7 };
    check_status(sw_device_take(device, 0, 4, &taken), SW_OK, "taking the first register");
    check(taken.value == 0x74726976 && taken.taken == 1, "it is there");
    taken.taken = 7;
    check_refused(sw_device_take(device, (uint32_t)info.length, 4, &taken), "taking the end");
    check(taken.taken == 7, "nothing was stored");
    check_status(sw_device_take(device, 0, 4, NULL), SW_FAULT, "taking to nowhere");
    check_refused(sw_device_write(device, (uint32_t)info.length, 4, 0), "writing the end");
    _Alignas(8) uint64_t note[2] = { 7, 7 };
    check_refused(sw_device_put(device, (uint32_t)info.length, 4, 0, note, 1),
                  "putting at the end");
    check_status(sw_device_put(device, 0x70, 4, 0, NULL, 1), SW_FAULT, "noted nowhere");
    check_status(sw_device_put(device, 0x70, 4, 0, (char *)note + 4, 1), SW_INVALID,
                 "noted unaligned");
    check(note[0] == 7 && note[1] == 7, "nothing was noted");
    check_status(sw_device_put(device, 0x70, 4, 0, note, 1ull << 40), SW_OK,
                 "putting into the status");
    check(note[0] == 1ull << 40 && note[1] == 7, "it is noted");
    sw_device_release(device);
}

static uint32_t flags_of(handle_t device)
{
    struct sw_device_info info = { 0 };

    sw_device_info(device, &info);
    return info.flags;
}

/* An interrupt is open only while a claimant that has acknowledged it is there. */
static void interrupts(handle_t device)
{
    check(flags_of(device) == SW_DEVICE_MASKED, "masked while nobody claims");
    check_status(sw_device_ack(device), SW_BAD_STATE, "unmasking without a claim");
    sw_device_claim(device);
    check(flags_of(device) == SW_DEVICE_MASKED, "masked after the claim");
    check_status(sw_device_ack(device), SW_OK, "acknowledging");
    check(flags_of(device) == 0, "open then");
    sw_device_release(device);
    check(flags_of(device) == SW_DEVICE_MASKED, "masked after the release");
}

/* The signal that the generator wants entropy: not after it was fed, but after 1 MiB was drawn. */
static void entropy(void)
{
    static uint8_t bytes[4096];
    static uint64_t buffer[8];
    struct sw_wait wait = { .buffer = (uintptr_t)buffer, .capacity = sizeof buffer };
    handle_t port = 0, weak = 0;

    check_status(sw_handle_duplicate(root, SW_RIGHT_BIND, &weak), SW_OK,
                 "root job without ENTROPY");
    check_status(sw_entropy_add(weak, bytes, 64), SW_ACCESS, "feeding without the authority");
    check_status(sw_entropy_add(root, bytes, 4097), SW_TOO_LARGE, "feeding too much");
    check_status(sw_entropy_add(root, bytes, 64), SW_OK, "feeding");
    sw_port_create(&port);
    check_status(sw_port_bind(port, root, SW_JOB_ENTROPY, 7), SW_OK, "binding");
    for (int i = 0; i < 200; i++)
        sw_random(bytes, sizeof bytes);
    check_status(sw_port_wait(port, &wait, 0), SW_TIMED_OUT, "no signal after 800 KiB");
    for (int i = 0; i < 100; i++)
        sw_random(bytes, sizeof bytes);
    check_status(sw_port_wait(port, &wait, 0), SW_OK, "a signal after 1.2 MiB");
    check(wait.event.kind == SW_EVENT_EXIT && wait.event.bits == SW_JOB_ENTROPY &&
              wait.event.key == 7,
          "kind %u, bits %x", (unsigned)wait.event.kind, (unsigned)wait.event.bits);
    check_status(sw_entropy_add(root, bytes, 8), SW_OK, "feeding too little");
    check_status(sw_port_wait(port, &wait, 0), SW_OK, "the signal stays");
    check_status(sw_entropy_add(root, bytes, 64), SW_OK, "feeding");
    check_status(sw_port_wait(port, &wait, 0), SW_TIMED_OUT, "the signal is gone");
    sw_handle_close(port);
    sw_handle_close(weak);
}

/* Sessions have the mask they are given, and what runs in one never more. */
static void sessions(void)
{
    struct sw_session session = { .principal = 7, .caps = SW_CAP_SPAWN | SW_CAP_FS_READ };
    struct sw_job_info info;
    handle_t job = 0, below = 0, weak = 0;
    uint32_t number = 0;

    check_status(sw_job_create_session(root, root, &session, &job, &number), SW_OK, "a session");
    check_status(sw_job_info(job, &info), SW_OK, "its facts");
    check(info.principal == 7 && info.session == number && number != 0 && info.caps == session.caps,
          "principal %u, session %u, caps %llx", (unsigned)info.principal, (unsigned)info.session,
          (unsigned long long)info.caps);
    check_status(sw_job_create(job, &(struct sw_limits){ 0 }, &below), SW_OK, "a job in it");
    check_status(sw_job_info(below, &info), SW_OK, "its facts");
    check(info.principal == 7 && info.caps == session.caps, "the same identity");
    check_status(sw_job_create_session(job, root, &session, &weak, &number), SW_ACCESS,
                 "a session's job makes no session");
    check_status(sw_handle_duplicate(root, SW_RIGHT_MANAGE | SW_RIGHT_DUPLICATE, &weak), SW_OK,
                 "the root job without authorities");
    check_status(sw_job_create_session(weak, root, &session, &below, &number), SW_ACCESS,
                 "makes no session");
    check_status(sw_power(weak, SW_POWER_OFF), SW_ACCESS, "does not switch off");
    check_status(sw_time_set(weak, 1), SW_ACCESS, "does not set the clock");
    check_refused(sw_handle_duplicate(weak, SW_RIGHT_LOGIN, &below), "does not grow rights");
    session.caps = ~0ull;
    check_status(sw_job_create_session(root, root, &session, &below, &number), SW_INVALID,
                 "bits the build does not have");
    sw_job_kill(job, 0);
}

int main(void)
{
    root = sw_start_get("root");
    handle_t device = empty_device();

    check(device != 0, "an empty virtio slot");
    code_authority();
    pins(device);
    pinned_pages(device);
    registers(device);
    interrupts(device);
    entropy();
    sessions();
    char line[32];
    size_t length = sw_format(line, sizeof line, "1..%u\n", count);
    sw_early_write(root, line, (uint32_t)length);
    sw_power(root, SW_POWER_OFF);
    sw_clock_sleep(SW_NEVER);
}
