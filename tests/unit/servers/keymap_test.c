/* The US key map: characters, modifiers, sequences, and every event there can be. */
#include "keymap.h"
#include "tap.h"
#include <stdbool.h>
#include <string.h>

static uint16_t modifiers;

/* What pressing and releasing a key types. */
static const char *key(uint16_t code)
{
    static char text[KEYMAP_BYTES + 1];
    char none[KEYMAP_BYTES];
    size_t length = keymap_event(&modifiers, code, 1, text);
    text[length] = 0;
    return keymap_event(&modifiers, code, 0, none) ? "a release typed" : text;
}

static void hold(uint16_t code, uint32_t value)
{
    char none[KEYMAP_BYTES];
    CHECK(keymap_event(&modifiers, code, value, none) == 0);
}

enum {
    TAB = 15,
    Q = 16,
    LEFT_CTRL = 29,
    A = 30,
    C = 46,
    LEFT_SHIFT = 42,
    RIGHT_SHIFT = 54,
    LEFT_ALT = 56,
    SPACE = 57,
    CAPS = 58,
    F1 = 59,
    F5 = 63,
    KEYPAD_7 = 71,
    F12 = 88,
    UP = 103,
    RIGHT = 106,
    DELETE = 111
};

static void test_rows(void)
{
    static const struct {
        uint16_t first;
        const char *plain, *shifted;
    } rows[] = { { 2, "1234567890-=", "!@#$%^&*()_+" },
                 { 16, "qwertyuiop[]", "QWERTYUIOP{}" },
                 { 30, "asdfghjkl;'`", "ASDFGHJKL:\"~" },
                 { 43, "\\zxcvbnm,./", "|ZXCVBNM<>?" } };
    for (size_t row = 0; row < 4; row++) {
        bool good = true;
        for (size_t i = 0; rows[row].plain[i]; i++) {
            const char *typed = key((uint16_t)(rows[row].first + i));
            good = good && typed[0] == rows[row].plain[i] && typed[1] == 0;
        }
        hold(row % 2 ? LEFT_SHIFT : RIGHT_SHIFT, 1);
        for (size_t i = 0; rows[row].shifted[i]; i++) {
            const char *typed = key((uint16_t)(rows[row].first + i));
            good = good && typed[0] == rows[row].shifted[i] && typed[1] == 0;
        }
        hold(row % 2 ? LEFT_SHIFT : RIGHT_SHIFT, 0);
        tap_ok(good, "row %u", (unsigned)row);
    }
    CHECK(strcmp(key(28), "\r") == 0 && strcmp(key(14), "\177") == 0 &&
          strcmp(key(1), "\033") == 0 && strcmp(key(TAB), "\t") == 0 &&
          strcmp(key(SPACE), " ") == 0);
}

static void test_modifiers(void)
{
    hold(CAPS, 1);
    hold(CAPS, 2); /* held down: still one press */
    hold(CAPS, 0);
    CHECK(strcmp(key(A), "A") == 0 && strcmp(key(2), "1") == 0);
    hold(LEFT_SHIFT, 1);
    CHECK(strcmp(key(A), "a") == 0 && strcmp(key(2), "!") == 0);
    hold(RIGHT_SHIFT, 1);
    hold(LEFT_SHIFT, 0);
    CHECK(strcmp(key(2), "!") == 0); /* the other one is down */
    hold(RIGHT_SHIFT, 0);
    hold(CAPS, 1);
    CHECK(modifiers == 0 && strcmp(key(A), "a") == 0);

    char bytes[KEYMAP_BYTES] = { 'x' };
    hold(LEFT_CTRL, 1);
    CHECK(strcmp(key(C), "\003") == 0 && strcmp(key(26), "\033") == 0 && strcmp(key(2), "1") == 0);
    CHECK(keymap_event(&modifiers, SPACE, 1, bytes) == 1 && bytes[0] == 0);
    hold(LEFT_ALT, 1);
    CHECK(strcmp(key(C), "\033\003") == 0);
    hold(LEFT_CTRL, 0);
    CHECK(strcmp(key(A), "\033a") == 0);
    hold(LEFT_ALT, 0);
    hold(LEFT_SHIFT, 1);
    CHECK(strcmp(key(TAB), "\033[Z") == 0 && strcmp(key(KEYPAD_7), "7") == 0);
    hold(LEFT_SHIFT, 0);
    CHECK(keymap_event(&modifiers, A, 2, bytes) == 1 && bytes[0] == 'a'); /* repeated */
}

static void test_sequences(void)
{
    CHECK(strcmp(key(UP), "\033[A") == 0 && strcmp(key(DELETE), "\033[3~") == 0);
    CHECK(strcmp(key(F1), "\033OP") == 0 && strcmp(key(F5), "\033[15~") == 0);
    hold(LEFT_CTRL, 1);
    CHECK(strcmp(key(RIGHT), "\033[1;5C") == 0 && strcmp(key(F1), "\033[1;5P") == 0);
    hold(LEFT_SHIFT, 1);
    hold(LEFT_ALT, 1);
    CHECK(strcmp(key(F12), "\033[24;8~") == 0);
    hold(LEFT_ALT, 0);
    hold(LEFT_SHIFT, 0);
    hold(LEFT_CTRL, 0);
}

/* Every code with every state of the modifiers: never more than the buffer (ASan watches). */
static void test_all(void)
{
    size_t longest = 0;
    for (uint32_t code = 0; code <= UINT16_MAX; code++) {
        for (uint16_t state = 0; state <= KEYMAP_ALL; state++) {
            char bytes[KEYMAP_BYTES];
            uint16_t now = state;
            size_t length = keymap_event(&now, (uint16_t)code, code % 3 ? 1 : 2, bytes);
            longest = length > longest ? length : longest;
        }
    }
    CHECK(longest == 7);
}

int main(void)
{
    test_rows();
    test_modifiers();
    test_sequences();
    test_all();
    return tap_done();
}
