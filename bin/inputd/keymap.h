/* The US key map: key events as Linux numbers them (virtio 1.2, 5.8) become the bytes a serial
 * terminal of the VT kind would send. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define KEYMAP_BYTES 8 /* the longest key: ESC [ 2 4 ; 8 ~ */

enum { KEY_ENTER = 28, KEY_A = 30 };

/* What is held down, and caps lock. */
enum keymap_modifier {
    KEYMAP_LEFT_SHIFT = 1,
    KEYMAP_RIGHT_SHIFT = 2,
    KEYMAP_LEFT_CTRL = 4,
    KEYMAP_RIGHT_CTRL = 8,
    KEYMAP_LEFT_ALT = 16,
    KEYMAP_RIGHT_ALT = 32,
    KEYMAP_CAPS_LOCK = 64,
    KEYMAP_ALL = 127,
};

/* Takes a key event (value 0: released, 1: pressed, 2: repeated); returns how many bytes it types.
 */
size_t keymap_event(uint16_t *modifiers, uint16_t code, uint32_t value, char bytes[KEYMAP_BYTES]);
