/* A virtio-input keyboard; see keyboard.h. */
#include "keyboard.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/status.h>

/* Configuration (5.8.4): what is asked for is written to the first two bytes. */
enum { CONFIG_SELECT = 0, CONFIG_SUBSELECT = 1, CONFIG_SIZE = 2, CONFIG_DATA = 8 };
#define SELECT_EVENT_BITS 0x11
#define EVENT_KEY 1
#define EVENT_QUEUE 0

/* The two pages: ring and events, then how far they were read. */
#define EVENTS_OFFSET ((VIRTQUEUE_BYTES(KEYBOARD_EVENTS) + 15u) & ~15u)
_Static_assert(EVENTS_OFFSET + KEYBOARD_EVENTS * sizeof(struct input_event) <= SW_PAGE, "one page");
#define KEYBOARD_MEMORY (2 * SW_PAGE)

/* ------------------------------------------------------------------ typing */

/* Bytes the pipe has been given since it was made, whoever gave them and whatever was read. */
static uint64_t pipe_given(handle_t pipe)
{
    uint64_t bytes = 0, capacity, taken = 0;
    uint32_t flags;
    sw_pipe_info(pipe, &bytes, &capacity, &flags, &taken);
    return bytes + taken;
}

/* Puts what an event stands for into the pipe; false while there is no room. */
static bool type_event(struct keyboard *keyboard, const struct input_event *event)
{
    char bytes[KEYMAP_BYTES];
    uint16_t modifiers = keyboard->modifiers;
    size_t length =
        event->type == EVENT_KEY ? keymap_event(&modifiers, event->code, event->value, bytes) : 0;
    if (length > 0 && !keyboard->typed) {
        uint64_t done;
        progress_typing(keyboard->progress, keyboard->queue.taken, pipe_given(keyboard->keys));
        status_t status = sw_pipe_write(keyboard->keys, bytes, length, 0, &done);
        if (status == SW_TIMED_OUT) {
            progress_untyped(keyboard->progress);
            return false;
        }
        if (status != SW_OK)
            sw_log(SW_LOG_ERROR, "a typed key is lost: %s", sw_status_text(status));
    }
    keyboard->modifiers = modifiers;
    keyboard->typed = false;
    return true;
}

static void offer(struct keyboard *keyboard, struct input_event *event)
{
    struct virtqueue_buffer buffer = {
        keyboard->events_bus + (uint64_t)(event - keyboard->events) * sizeof *event, sizeof *event
    };
    /* Cannot fail: as many descriptors as events. The descriptor freed last is used first, so
     * number i goes on pointing to event i. */
    virtqueue_add(&keyboard->queue, &buffer, 0, 1, event);
}

/* The next event, once its predecessor is typed. */
static bool take(struct keyboard *keyboard)
{
    void *context;
    uint32_t written;
    if (!virtqueue_take(&keyboard->queue, &context, &written))
        return false;
    keyboard->buffer = context;
    keyboard->next = *keyboard->buffer;
    if (written < sizeof keyboard->next)
        keyboard->next = (struct input_event){ 0 };
    return true;
}

void keyboard_go_on(struct keyboard *keyboard)
{
    if (keyboard->state != KEYBOARD_READY)
        return;
    do {
        while (keyboard->stalled || take(keyboard)) {
            keyboard->stalled = !type_event(keyboard, &keyboard->next);
            if (keyboard->stalled) {
                virtio_notify(&keyboard->device, EVENT_QUEUE, &keyboard->queue);
                return; /* the interrupt stays masked */
            }
            progress_store(keyboard->progress, keyboard->queue.taken, keyboard->modifiers);
            offer(keyboard, keyboard->buffer);
        }
    } while (virtqueue_arm(&keyboard->queue));
    if (keyboard->queue.broken) {
        sw_log(SW_LOG_ERROR, "a keyboard breaks the virtio protocol");
        exit(1);
    }
    virtio_notify(&keyboard->device, EVENT_QUEUE, &keyboard->queue);
    virtio_unmask(&keyboard->device);
}

void keyboard_interrupt(struct keyboard *keyboard)
{
    virtio_acknowledge(&keyboard->device);
    keyboard_go_on(keyboard);
}

/* ------------------------------------------------------------------ start */

/* Whether the device reports ordinary keys: mice and tablets are input devices too. */
static status_t has_keys(struct virtio_device *device, bool *out_has)
{
    uint8_t size = 0, bits[8] = { 0 };
    status_t status;
    if ((status = virtio_config_write(device, CONFIG_SELECT, SELECT_EVENT_BITS)) != SW_OK ||
        (status = virtio_config_write(device, CONFIG_SUBSELECT, EVENT_KEY)) != SW_OK ||
        (status = virtio_config_read(device, CONFIG_SIZE, &size, 1)) != SW_OK ||
        (status = virtio_config_read(device, CONFIG_DATA, bits, sizeof bits)) != SW_OK)
        return status;
    *out_has = size > KEY_A / 8 && (bits[KEY_A / 8] >> KEY_A % 8 & 1) &&
               (bits[KEY_ENTER / 8] >> KEY_ENTER % 8 & 1);
    return SW_OK;
}

/* The kept memory, made when there is none; *out_found: a predecessor's. */
static status_t memory_get(handle_t job, uint32_t slot, handle_t *out_memory, uint8_t **out_pages,
                           bool *out_found)
{
    void *pages = NULL;
    status_t status = sw_job_kept(job, slot, out_memory);
    *out_found = status == SW_OK;
    if (status == SW_OK) {
        status =
            sw_mapping_map(*out_memory, 0, KEYBOARD_MEMORY, SW_MAP_READ | SW_MAP_WRITE, &pages);
    } else if (status == SW_NOT_FOUND) {
        status = sw_mapping_create(KEYBOARD_MEMORY, SW_MEMORY_COMMIT, &pages, out_memory);
        if (status == SW_OK)
            status = sw_job_keep(job, slot, *out_memory);
    }
    *out_pages = pages;
    return status;
}

static void memory_use(struct keyboard *keyboard, uint8_t *pages)
{
    keyboard->events = (struct input_event *)(pages + EVENTS_OFFSET);
    keyboard->progress = (struct progress *)(pages + SW_PAGE);
    keyboard->events_bus = keyboard->progress->bus + EVENTS_OFFSET;
}

/* Goes on with a ring that is running. A reset would lose what is typed until the device runs
 * again: it keeps no events of its own. */
static bool resume(struct keyboard *keyboard, uint8_t *pages)
{
    uint16_t taken, missing;
    memory_use(keyboard, pages);
    if (keyboard->progress->word == 0)
        return false; /* it had not come so far */
    uint64_t features = keyboard->progress->features;
    struct virtqueue_buffer first = { keyboard->events_bus, sizeof(struct input_event) };
    if (!progress_load(keyboard->progress, &taken, &keyboard->modifiers) ||
        !virtio_resume(&keyboard->device, EVENT_QUEUE, features) ||
        !virtqueue_resume(&keyboard->queue, KEYBOARD_EVENTS, pages, keyboard->slots,
                          features & VIRTIO_F_EVENT_INDEX, taken, first, keyboard->events,
                          &missing)) {
        sw_log(SW_LOG_WARNING, "a keyboard's ring cannot be gone on with; typed keys may be lost");
        return false;
    }
    if (missing < KEYBOARD_EVENTS)
        offer(keyboard, &keyboard->events[missing]);
    keyboard->typed =
        progress_typed(keyboard->progress, (uint16_t)(taken + 1), pipe_given(keyboard->keys));
    if (!keyboard->typed)
        progress_untyped(keyboard->progress);
    return true;
}

static status_t start_anew(struct keyboard *keyboard, handle_t memory, uint8_t *pages)
{
    struct virtio_device *device = &keyboard->device;
    uint64_t bus;
    status_t status = sw_device_pin(device->handle, memory, 0, SW_PAGE, &bus);
    if (status != SW_OK)
        return status;
    memset(pages, 0, KEYBOARD_MEMORY);
    memory_use(keyboard, pages);
    keyboard->progress->bus = bus;
    keyboard->progress->features = device->features;
    keyboard->events_bus = bus + EVENTS_OFFSET;
    keyboard->modifiers = 0;
    virtqueue_init(&keyboard->queue, KEYBOARD_EVENTS, pages, keyboard->slots,
                   device->features & VIRTIO_F_EVENT_INDEX);
    virtqueue_arm(&keyboard->queue);
    for (uint32_t i = 0; i < KEYBOARD_EVENTS; i++)
        offer(keyboard, &keyboard->events[i]);
    if ((status = virtio_queue_start(device, EVENT_QUEUE, &keyboard->queue, bus)) != SW_OK)
        return status;
    progress_store(keyboard->progress, 0, 0);
    return virtio_start(device);
}

static status_t start(struct keyboard *keyboard, handle_t handle, handle_t job, uint32_t slot)
{
    struct virtio_device *device = &keyboard->device;
    handle_t memory;
    uint8_t *pages;
    bool keys = false, found;
    status_t status;
    if ((status = virtio_claim(device, handle, VIRTIO_ID_INPUT)) != SW_OK ||
        (status = memory_get(job, slot, &memory, &pages, &found)) != SW_OK)
        return status;
    if (!found || !resume(keyboard, pages)) {
        progress_clear((struct progress *)(pages + SW_PAGE));
        if ((status = virtio_negotiate(device, 0, VIRTIO_F_EVENT_INDEX)) != SW_OK ||
            (status = has_keys(device, &keys)) != SW_OK)
            return status;
        if (!keys) {
            keyboard->state = KEYBOARD_OTHER;
            return virtio_reset(device);
        }
        if ((status = start_anew(keyboard, memory, pages)) != SW_OK)
            return status;
    }
    keyboard->state = KEYBOARD_READY;
    return SW_OK;
}

void keyboard_open(struct keyboard *keyboard, handle_t device, handle_t keys, handle_t job,
                   uint32_t slot)
{
    *keyboard = (struct keyboard){ .keys = keys };
    status_t status = start(keyboard, device, job, slot);
    if (status == SW_OK)
        return;
    keyboard->state = KEYBOARD_FAILED;
    if (status == SW_VERSION)
        sw_log(SW_LOG_ERROR, "an input device " VIRTIO_LEGACY_MESSAGE);
    else
        sw_log(SW_LOG_ERROR, "an input device cannot be started: %s", sw_status_text(status));
}
