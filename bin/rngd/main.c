/* rngd: feeds the kernel's random generator from a virtio-rng device (virtio 1.2, 5.4), at its
 * start and each time the kernel says by the root job's signal that enough was drawn. In between it
 * sleeps.
 *
 * Start handles: `device/N` (the first that works is used), `entropy` (root job, ENTROPY and BIND),
 * `serve`, and `log`, `names` if given. It serves its channel without a protocol, so that init
 * finds it when it loops. It is ready when the generator was fed. */
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>
#include <swos/virtio.h>

#define FEED_BYTES 64
#define QUEUE_SIZE 2
#define REQUEST_QUEUE 0
#define BUFFER_OFFSET 1024
_Static_assert(VIRTQUEUE_BYTES(QUEUE_SIZE) <= BUFFER_OFFSET, "one page");

enum key { KEY_CHANNEL, KEY_DEVICE, KEY_HUNGRY };

static struct rng {
    struct sw_server server;
    struct virtio_device device;
    struct virtqueue queue;
    struct virtqueue_slot slots[QUEUE_SIZE];
    uint8_t *page; /* shared with the device */
    uint64_t bus;
    handle_t entropy;
    uint8_t gathered[FEED_BYTES];
    uint32_t filled;
    bool ready; /* said so */
} rng;

static _Noreturn void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

/* Asks the device for what is missing. */
static void ask(void)
{
    struct virtqueue_buffer buffer = { rng.bus + BUFFER_OFFSET, FEED_BYTES - rng.filled };
    status_t status = virtqueue_add(&rng.queue, &buffer, 0, 1, NULL);
    if (status != SW_OK)
        fail("request", status);
    virtio_notify(&rng.device, REQUEST_QUEUE, &rng.queue);
}

/* The signal is level-triggered and stays until the generator is fed: bound in between only. */
static void watch_hunger(void)
{
    status_t status = sw_port_bind(rng.server.port, rng.entropy, SW_JOB_ENTROPY, KEY_HUNGRY);
    if (status != SW_OK)
        fail("binding", status);
}

static void feed(void)
{
    status_t status = sw_entropy_add(rng.entropy, rng.gathered, FEED_BYTES);
    if (status != SW_OK)
        fail("feeding", status);
    explicit_bzero(rng.gathered, sizeof rng.gathered);
    rng.filled = 0;
    watch_hunger();
    if (rng.ready)
        return;
    rng.ready = true;
    status = sw_service_ready();
    if (status != SW_OK && status != SW_NOT_FOUND) /* NOT_FOUND: nobody to tell */
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
}

static void on_interrupt(void)
{
    void *context;
    uint32_t written;
    bool answered = false;
    virtio_acknowledge(&rng.device);
    do {
        while (virtqueue_take(&rng.queue, &context, &written)) {
            memcpy(rng.gathered + rng.filled, rng.page + BUFFER_OFFSET, written);
            explicit_bzero(rng.page + BUFFER_OFFSET, written);
            rng.filled += written; /* the queue keeps it within what was asked for */
            answered = true;
        }
    } while (virtqueue_arm(&rng.queue));
    if (rng.queue.broken)
        fail("the device breaks the virtio protocol", SW_IO);
    virtio_unmask(&rng.device);
    if (!answered)
        return;
    if (rng.filled == FEED_BYTES)
        feed();
    else
        ask();
}

static void on_event(struct sw_server *server, const struct sw_event *event)
{
    if (event->key == KEY_DEVICE) {
        on_interrupt();
    } else {
        sw_port_unbind(server->port, rng.entropy);
        ask();
    }
}

static status_t on_message(struct sw_server *server, struct sw_request *request)
{
    (void)server, (void)request;
    return SW_NOT_SUPPORTED;
}

static status_t start(handle_t handle)
{
    struct virtio_device *device = &rng.device;
    handle_t memory;
    void *page;
    status_t status = virtio_open(device, handle, VIRTIO_ID_ENTROPY, 0, VIRTIO_F_EVENT_INDEX);
    if (status != SW_OK)
        return status;
    if ((status = sw_mapping_create(SW_PAGE, SW_MEMORY_COMMIT, &page, &memory)) != SW_OK ||
        (status = sw_device_pin(handle, memory, 0, SW_PAGE, &rng.bus)) != SW_OK)
        return status;
    rng.page = page;
    virtqueue_init(&rng.queue, QUEUE_SIZE, page, rng.slots,
                   device->features & VIRTIO_F_EVENT_INDEX);
    virtqueue_arm(&rng.queue);
    if ((status = virtio_queue_start(device, REQUEST_QUEUE, &rng.queue, rng.bus)) != SW_OK ||
        (status = sw_port_bind(rng.server.port, handle, UINT64_MAX, KEY_DEVICE)) != SW_OK)
        return status;
    return virtio_start(device);
}

static status_t start_any(void)
{
    const struct sw_start_handle *entry;
    status_t status = SW_NOT_FOUND;
    for (size_t i = 0; status != SW_OK && (entry = sw_start_handle_at(i)); i++)
        if (strncmp(sw_start_text(entry->offset), "device/", strlen("device/")) == 0)
            status = start(entry->handle);
    return status;
}

int main(void)
{
    rng.server = (struct sw_server){ .message = on_message, .event = on_event };
    rng.entropy = sw_start_get("entropy");
    status_t status = sw_server_serve(&rng.server, sw_start_get("serve"), KEY_CHANNEL);
    if (status != SW_OK)
        fail("serve", status);
    status = start_any();
    if (status == SW_VERSION)
        sw_log(SW_LOG_ERROR, "the device " VIRTIO_LEGACY_MESSAGE);
    if (status != SW_OK)
        fail("no device can be started", status);
    ask();
    fail("wait", sw_server_run(&rng.server));
}
