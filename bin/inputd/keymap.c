/* The US key map; see keymap.h. Numbers are those of Linux's input-event-codes.h. */
#include "keymap.h"
#include <stdbool.h>
#include <string.h>

#define KEYS 128
#define ESCAPE 27
#define DELETE 127

static const char plain[KEYS] = {
    [1] = ESCAPE, [2] = '1',  [3] = '2',  [4] = '3',   [5] = '4',   [6] = '5',   [7] = '6',
    [8] = '7',    [9] = '8',  [10] = '9', [11] = '0',  [12] = '-',  [13] = '=',  [14] = DELETE,
    [15] = '\t',  [16] = 'q', [17] = 'w', [18] = 'e',  [19] = 'r',  [20] = 't',  [21] = 'y',
    [22] = 'u',   [23] = 'i', [24] = 'o', [25] = 'p',  [26] = '[',  [27] = ']',  [28] = '\r',
    [30] = 'a',   [31] = 's', [32] = 'd', [33] = 'f',  [34] = 'g',  [35] = 'h',  [36] = 'j',
    [37] = 'k',   [38] = 'l', [39] = ';', [40] = '\'', [41] = '`',  [43] = '\\', [44] = 'z',
    [45] = 'x',   [46] = 'c', [47] = 'v', [48] = 'b',  [49] = 'n',  [50] = 'm',  [51] = ',',
    [52] = '.',   [53] = '/', [55] = '*', [57] = ' ',  [71] = '7',  [72] = '8',  [73] = '9',
    [74] = '-',   [75] = '4', [76] = '5', [77] = '6',  [78] = '+',  [79] = '1',  [80] = '2',
    [81] = '3',   [82] = '0', [83] = '.', [86] = '\\', [96] = '\r', [98] = '/',
};

/* What shift makes of the characters that are no letters; the keypad keeps its own. */
static const char unshifted[] = "1234567890-=[];'`\\,./";
static const char shifted[] = "!@#$%^&*()_+{}:\"~|<>?";

/* Keys that send a sequence: ESC [ final, ESC O final (F1 to F4), or ESC [ number ~. */
static const struct {
    uint8_t code;
    uint8_t number; /* 0: by its final letter */
    char final, introducer;
} sequences[] = {
    { 59, 0, 'P', 'O' },  { 60, 0, 'Q', 'O' },  { 61, 0, 'R', 'O' },  { 62, 0, 'S', 'O' },
    { 63, 15, '~', '[' }, { 64, 17, '~', '[' }, { 65, 18, '~', '[' }, { 66, 19, '~', '[' },
    { 67, 20, '~', '[' }, { 68, 21, '~', '[' }, { 87, 23, '~', '[' }, { 88, 24, '~', '[' },
    { 102, 0, 'H', '[' }, { 103, 0, 'A', '[' }, { 104, 5, '~', '[' }, { 105, 0, 'D', '[' },
    { 106, 0, 'C', '[' }, { 107, 0, 'F', '[' }, { 108, 0, 'B', '[' }, { 109, 6, '~', '[' },
    { 110, 2, '~', '[' }, { 111, 3, '~', '[' },
};

static const struct {
    uint8_t code;
    uint8_t modifier;
} held[] = {
    { 42, KEYMAP_LEFT_SHIFT }, { 54, KEYMAP_RIGHT_SHIFT }, { 29, KEYMAP_LEFT_CTRL },
    { 97, KEYMAP_RIGHT_CTRL }, { 56, KEYMAP_LEFT_ALT },    { 100, KEYMAP_RIGHT_ALT },
};

enum { CODE_TAB = 15, CODE_CAPS_LOCK = 58, CODE_KEYPAD_FIRST = 71, CODE_KEYPAD_LAST = 83 };

static bool is_letter(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static char with_shift(char byte)
{
    const char *place = strchr(unshifted, byte);
    return place ? shifted[place - unshifted] : byte;
}

/* Control characters are those of the ASCII table's columns 4 and 5, and what terminals add. */
static char with_control(char byte)
{
    if (is_letter(byte) || (byte >= '@' && byte <= '_'))
        return byte & 0x1f;
    return byte == ' ' ? 0 : byte == '/' ? 0x1f : byte;
}

static size_t put_number(char *at, unsigned number)
{
    size_t length = 0;
    if (number >= 10)
        at[length++] = (char)('0' + number / 10);
    at[length++] = (char)('0' + number % 10);
    return length;
}

/* As xterm: a key with modifiers tells them in a second number, 1 + shift + 2 alt + 4 ctrl. */
static size_t put_sequence(size_t i, bool shift, bool alt, bool control, char *bytes)
{
    unsigned modifiers = 1u + shift + 2u * alt + 4u * control, number = sequences[i].number;
    size_t length = 0;
    bytes[length++] = ESCAPE;
    bytes[length++] = modifiers == 1 ? sequences[i].introducer : '[';
    if (number || modifiers > 1)
        length += put_number(bytes + length, number ? number : 1);
    if (modifiers > 1) {
        bytes[length++] = ';';
        length += put_number(bytes + length, modifiers);
    }
    bytes[length++] = sequences[i].final;
    return length;
}

static size_t put_character(uint16_t code, bool shift, bool alt, bool control, bool caps,
                            char *bytes)
{
    char byte = plain[code];
    bool keypad = code >= CODE_KEYPAD_FIRST && code <= CODE_KEYPAD_LAST;
    size_t length = 0;
    if (alt)
        bytes[length++] = ESCAPE;
    if (code == CODE_TAB && shift) {
        memcpy(bytes + length, "\033[Z", 3);
        return length + 3;
    }
    if (is_letter(byte)) {
        if (!control && shift != caps)
            byte = (char)(byte - 'a' + 'A');
    } else if (shift && !keypad) {
        byte = with_shift(byte);
    }
    bytes[length++] = control ? with_control(byte) : byte;
    return length;
}

size_t keymap_event(uint16_t *modifiers, uint16_t code, uint32_t value, char bytes[KEYMAP_BYTES])
{
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
        if (held[i].code == code) {
            *modifiers =
                (uint16_t)(value ? *modifiers | held[i].modifier : *modifiers & ~held[i].modifier);
            return 0;
        }
    }
    if (value == 0)
        return 0;
    if (code == CODE_CAPS_LOCK) {
        if (value == 1)
            *modifiers ^= KEYMAP_CAPS_LOCK;
        return 0;
    }
    bool shift = *modifiers & (KEYMAP_LEFT_SHIFT | KEYMAP_RIGHT_SHIFT);
    bool control = *modifiers & (KEYMAP_LEFT_CTRL | KEYMAP_RIGHT_CTRL);
    bool alt = *modifiers & (KEYMAP_LEFT_ALT | KEYMAP_RIGHT_ALT);
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++)
        if (sequences[i].code == code)
            return put_sequence(i, shift, alt, control, bytes);
    if (code >= KEYS || !plain[code])
        return 0;
    return put_character(code, shift, alt, control, *modifiers & KEYMAP_CAPS_LOCK, bytes);
}
