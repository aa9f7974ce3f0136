/* Modes in octal and in clauses. */
#include "mode.h"
#include "command.h"
#include <string.h>

/* Who: bits of a mode that u, g, o stand for. */
static uint32_t who_bits(char who)
{
    switch (who) {
    case 'u':
        return 04700;
    case 'g':
        return 02070;
    case 'o':
        return 01007;
    case 'a':
        return 07777;
    default:
        return 0;
    }
}

/* The letters behind an operator, as bits of all three classes; *at moves behind them. */
static uint32_t permission_bits(const char **at, uint32_t mode, bool is_directory)
{
    uint32_t bits = 0;
    for (;; (*at)++) {
        switch (**at) {
        case 'r':
            bits |= 0444;
            break;
        case 'w':
            bits |= 0222;
            break;
        case 'x':
            bits |= 0111;
            break;
        case 'X':
            bits |= is_directory || mode & 0111 ? 0111 : 0;
            break;
        case 's':
            bits |= 06000;
            break;
        case 't':
            bits |= 01000;
            break;
        default:
            return bits;
        }
    }
}

/* u, g or o: what that class has now, for all three. */
static bool copied_bits(const char **at, uint32_t mode, uint32_t *out_bits)
{
    const char *classes = "ogu", *found = **at ? strchr(classes, **at) : NULL;
    if (!found)
        return false;
    *out_bits = (mode >> (3 * (found - classes)) & 7) * 0111;
    (*at)++;
    return true;
}

bool mode_apply(const char *text, uint32_t mode, bool is_directory, uint32_t *out_mode)
{
    uint64_t number;
    if (parse_number(text, 8, &number)) {
        *out_mode = (uint32_t)number;
        return number <= 07777;
    }
    do {
        uint32_t who = 0;
        while (who_bits(*text))
            who |= who_bits(*text++);
        if (!who)
            who = 07777;
        if (!*text || !strchr("+-=", *text))
            return false;
        while (*text && strchr("+-=", *text)) {
            char sign = *text++;
            uint32_t bits;
            if (!copied_bits(&text, mode, &bits))
                bits = permission_bits(&text, mode, is_directory);
            bits &= who;
            mode = sign == '+' ? mode | bits : sign == '-' ? mode & ~bits : (mode & ~who) | bits;
        }
    } while (*text == ',' && text++);
    *out_mode = mode;
    return !*text;
}
