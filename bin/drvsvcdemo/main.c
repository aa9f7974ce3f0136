/* drvsvcdemo: a supervisor that runs a driver in user space, step by step, each step a check of the
 * real mechanism; prints the C5 markers.
 *
 *   C5c, C5d  finds an input device by name and tells its facts
 *   C5e, C5f  what init hands out for facts gives no authority and cannot be copied
 *   C5b       a device to drive moves to the driver, is busy while that has it, free when it ends
 *   C5a       the driver is started, talked to, stopped, started again as generation 2
 *
 * Every device comes from init (system.device_open, capability `device`). A device that has a
 * driver is left alone: with a keyboard, which is inputd's, the driver gets an empty slot. */
#include "checks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/message.h>
#include <swos/protocol.h>
#include <swos/service.h>
#include <swos/spawn.h>
#include <swos/status.h>

#define DRIVER "/bin/drvinputd"
#define VIRTIO_MAGIC 0x74726976u
#define VIRTIO_ID_INPUT 18
#define SECONDS 10
#define DEVICES_MAX 64
#define KILLED 137

/* The driver of one generation. */
struct driver {
    handle_t process;
    uint32_t pid;
};

static handle_t init; /* connection, protocol `system` */

static uint64_t deadline(void)
{
    return sw_clock_deadline(SECONDS * SW_SECOND);
}

static void say(const char *text)
{
    printf("drvsvc: %s\n", text);
    fflush(stdout); /* the driver prints on the same terminal */
}

static status_t device_open(const char *class, unsigned number, uint32_t flags,
                            handle_t *out_device)
{
    char name[32];
    int length = snprintf(name, sizeof name, "%s.%u", class, number);

    return sw_system_device_open(init, flags, 0, name, (size_t)length, out_device, deadline());
}

/* ------------------------------------------------------------------ discovery */

/* A real input device, or what stands in for one; then all others of its kind, to the last. */
static handle_t discover(const char **out_class)
{
    handle_t device, other;
    status_t status = device_open("virtio-input", 0, 0, &device);
    unsigned count = 1;

    *out_class = "virtio-input";
    if (status == SW_NOT_FOUND) {
        *out_class = "pseudo-input";
        status = device_open("pseudo-input", 0, 0, &device);
    }
    if (status == SW_ACCESS) {
        fprintf(stderr, "drvsvcdemo: permission denied (needs capability device)\n");
        exit(EXIT_FAILURE);
    }
    expect(status, SW_OK, "discovery");
    say("C5c device manifest matched");
    while ((status = device_open(*out_class, count, 0, &other)) == SW_OK && count < DEVICES_MAX) {
        sw_handle_close(other);
        count++;
    }
    expect(status, SW_NOT_FOUND, "the end of discovery");
    say("C5c discovery exhausted");
    return device;
}

static struct sw_device_info facts(handle_t device)
{
    struct sw_device_info info = { 0 };

    expect(sw_device_info(device, &info), SW_OK, "facts about the device");
    return info;
}

static void check_facts(handle_t device, bool is_keyboard)
{
    struct sw_device_info info = facts(device);

    require(info.kind == SW_DEVICE_VIRTIO_MMIO && info.address != 0 && info.length != 0 &&
                info.interrupt != 0 && info.virtio_id == (is_keyboard ? VIRTIO_ID_INPUT : 0),
            "registers, interrupt and id of a virtio slot");
    say("C5d virtio-input metadata discovered");
    printf("drvsvc: %s at 0x%llx+0x%llx\n", info.name, (unsigned long long)info.address,
           (unsigned long long)info.length);
}

/* ------------------------------------------------------------------ the driver */

static struct driver driver_start(handle_t channel)
{
    struct sw_spawn_handle handles[] = {
        { .name = "serve", .handle = channel, .rights = SW_RIGHT_SERVE },
    };
    struct sw_spawn_options options = { .handles = handles, .handle_count = 1 };
    struct driver driver;

    expect(sw_spawn_program(DRIVER, &options, &driver.process, &driver.pid), SW_OK, DRIVER);
    return driver;
}

static void driver_ended(struct driver driver, int32_t wanted)
{
    int32_t status = -1;

    expect(sw_process_wait(driver.process, deadline(), &status), SW_OK, "the driver's end");
    require(status == wanted, "the driver's exit status");
    sw_handle_close(driver.process);
}

static void check_ready(handle_t connection, struct driver driver)
{
    struct sw_driver_ready_reply reply = { 0 };

    expect(sw_driver_ready(connection, &reply, deadline()), SW_OK, "ready");
    require(reply.pid == driver.pid, "the driver that answers is the one started");
}

/* The connection tells of the successor once, and a call that is told so has not been delivered. */
static void check_replaced(handle_t connection)
{
    struct sw_driver_ready_request request = { .header = { .protocol = SW_PROTOCOL_DRIVER,
                                                           .version = SW_PROTOCOL_DRIVER_VERSION,
                                                           .operation = SW_OP_DRIVER_READY } };
    struct sw_driver_ready_reply reply = { 0 };
    struct sw_call call = { .request = (uintptr_t)&request,
                            .request_length = sizeof request,
                            .reply = (uintptr_t)&reply,
                            .reply_capacity = sizeof reply };

    expect(sw_call(connection, &call, deadline(), NULL, NULL), SW_SERVER_REPLACED,
           "the first call to a successor");
    expect(sw_connection_accept(connection), SW_OK, "accepting the successor");
}

/* Sends the device along and away: it is the driver's alone. The generated stub would copy it. */
static uint32_t driver_adopt(handle_t connection, handle_t device)
{
    struct sw_driver_adopt_request request = { .header = { .protocol = SW_PROTOCOL_DRIVER,
                                                           .version = SW_PROTOCOL_DRIVER_VERSION,
                                                           .operation = SW_OP_DRIVER_ADOPT } };
    struct sw_driver_adopt_reply reply = { 0 };
    struct sw_call call = { .request = (uintptr_t)&request,
                            .request_length = sizeof request,
                            .reply = (uintptr_t)&reply,
                            .reply_capacity = sizeof reply,
                            .send = { device },
                            .send_count = 1,
                            .send_move = 1 };

    expect(sw_transact(connection, &call, sizeof reply, NULL, 0, deadline()), SW_OK, "adopt");
    return reply.generation;
}

static void check_event(handle_t connection, uint32_t sequence)
{
    struct sw_driver_event_reply reply = { 0 };

    expect(sw_driver_event(connection, &reply, deadline()), SW_OK, "event");
    require(reply.sequence == sequence && reply.value == VIRTIO_MAGIC,
            "what the driver read from the device");
}

/* ------------------------------------------------------------------ C5b */

/* Takes the device, gives it to the driver, finds it busy. Returns the claim's generation. */
static uint32_t hand_over(handle_t connection, struct driver driver, const char *class)
{
    struct sw_device_info info = { 0 };
    handle_t device, second;

    expect(device_open(class, 0, SW_DEVICE_OPEN_DRIVE, &device), SW_OK, "a device to drive");
    require(facts(device).claimed == 0, "the device is free");
    say("C5b device grant claimed");
    uint32_t generation = driver_adopt(connection, device);
    expect(sw_device_info(device, &info), SW_BAD_HANDLE, "the handle after it was moved");
    say("C5b device grant moved");
    expect(device_open(class, 0, SW_DEVICE_OPEN_DRIVE, &second), SW_BUSY, "a second grant");
    expect(device_open(class, 0, 0, &second), SW_OK, "its facts");
    require(facts(second).claimed == driver.pid, "the driver holds the device");
    sw_handle_close(second);
    say("C5b device busy while service owns grant");
    return generation;
}

/* The device after its driver's end: free, its interrupt masked, and a claim away from
 * `generation`. */
static void check_reclaimed(const char *class, uint32_t generation)
{
    handle_t device;

    expect(device_open(class, 0, SW_DEVICE_OPEN_DRIVE, &device), SW_OK, "the device afterwards");
    struct sw_device_info info = facts(device);
    require(info.claimed == 0 && info.generation == generation, "the device is free again");
    require(info.flags & SW_DEVICE_MASKED, "its interrupt is masked");
    sw_handle_close(device);
    say("C5b device grant reclaimed");
}

/* What to drive: the input device itself, unless a driver has it and is not to be disturbed. */
static const char *drivable(const char *class, handle_t metadata)
{
    handle_t device;
    status_t status = device_open(class, 0, SW_DEVICE_OPEN_DRIVE, &device);

    if (status == SW_OK) {
        sw_handle_close(device);
        return class;
    }
    expect(status, SW_BUSY, "a device that is a service's");
    printf("drvsvc: %s.0 is driven by pid %u; an empty slot is used to hand over\n", class,
           (unsigned)facts(metadata).claimed);
    return "pseudo-input";
}

/* ------------------------------------------------------------------ C5a */

int main(void)
{
    const char *class, *driven;
    handle_t channel, connection;

    say("C5a supervisor starting");
    expect(sw_service_connect("system", deadline(), &init), SW_OK, "a connection to init");
    handle_t metadata = discover(&class);
    bool is_keyboard = strcmp(class, "virtio-input") == 0;
    check_facts(metadata, is_keyboard);
    authority_is_withheld(metadata);
    rights_are_metadata_only(metadata);
    driven = drivable(class, metadata);

    expect(sw_channel_create(&channel), SW_OK, "channel");
    expect(sw_connection_create(channel, 1, &connection), SW_OK, "connection");
    struct driver driver = driver_start(channel);
    check_ready(connection, driver);
    say("generation 1 ready");
    uint32_t claim = hand_over(connection, driver, driven);
    check_event(connection, 1);
    say("generation 1 event");
    expect(sw_driver_stop(connection, deadline()), SW_OK, "stop");
    driver_ended(driver, EXIT_SUCCESS);
    say("generation 1 stopped");
    check_reclaimed(driven, claim);

    driver = driver_start(channel);
    check_replaced(connection);
    check_ready(connection, driver);
    expect(sw_driver_event(connection, NULL, deadline()), SW_BAD_STATE, "a successor's device");
    say("generation 2 ready");
    uint32_t second = hand_over(connection, driver, driven);
    require(second == claim + 1, "each claim has its generation");
    check_event(connection, 1);
    say("generation 2 event");
    /* This one is given no chance to clean up. */
    expect(sw_process_kill(driver.process, KILLED), SW_OK, "kill");
    driver_ended(driver, KILLED);
    say("generation 2 stopped");
    check_reclaimed(driven, second);

    printf("C5a OK: restartable driver service recovered over IPC\n"
           "C5b OK: opaque device handle transferred and released\n");
    printf("C5c OK: %s\n", is_keyboard ? "virtio-input device grant discovered and matched"
                                       : "device discovery manifest matched pseudo input");
    printf("C5d OK: virtio input discovery metadata surfaced\n");
    authority_is_withheld(metadata);
    printf("C5e OK: device authority withheld until explicit handoff\n");
    rights_are_metadata_only(metadata);
    printf("C5f OK: device grant rights stayed metadata-only\n");
    return EXIT_SUCCESS;
}
