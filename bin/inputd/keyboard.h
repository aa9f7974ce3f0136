/* One virtio-input keyboard (virtio 1.2, 5.8): its events become bytes in the pipe of typed keys.
 *
 * An event counts as taken when its bytes are in the pipe. After a death between the two the pipe's
 * count of bytes tells that they are there. */
#pragma once
#include "keymap.h"
#include "progress.h"
#include <swos/virtio.h>

#define KEYBOARD_EVENTS 64 /* of the ring; a power of two */

struct input_event {
    uint16_t type;
    uint16_t code;
    uint32_t value;
};
_Static_assert(sizeof(struct input_event) == 8, "input_event");

enum keyboard_state { KEYBOARD_FAILED, KEYBOARD_OTHER, KEYBOARD_READY };

struct keyboard {
    enum keyboard_state state;
    struct virtio_device device;
    struct virtqueue queue;
    struct virtqueue_slot slots[KEYBOARD_EVENTS];
    struct input_event *events; /* shared with the device */
    struct progress *progress;
    uint64_t events_bus;
    handle_t keys; /* the pipe */
    uint16_t modifiers;
    bool typed;                 /* the next event's bytes are in the pipe already */
    bool stalled;               /* `next` waits for room in the pipe */
    struct input_event next;    /* taken from the queue, not typed yet */
    struct input_event *buffer; /* where it lay; goes back to the device when it is typed */
};

/* Starts the keyboard behind a device handle, its memory kept in a slot of the job; goes on with
 * the ring of a predecessor. state tells how that went; OTHER: an input device without keys. */
void keyboard_open(struct keyboard *keyboard, handle_t device, handle_t keys, handle_t job,
                   uint32_t slot);

/* An interrupt came, or there is room in the pipe again. */
void keyboard_interrupt(struct keyboard *keyboard);
void keyboard_go_on(struct keyboard *keyboard);
