/* Characters, numbers, names of accounts, times: text in and out. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

size_t utf8_decode(const char *text, size_t length, uint32_t *out)
{
    const uint8_t *at = (const uint8_t *)text;
    if (at[0] < 0x80) {
        *out = at[0];
        return 1;
    }
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || size > length)
        return 0;
    uint32_t c = at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return size;
}

size_t unescape(const char *text, char *out)
{
    static const char letters[] = "abfnrtv\\", values[] = "\a\b\f\n\r\t\v\\";
    char *at = out;
    while (*text) {
        if (*text != '\\' || !text[1]) {
            *at++ = *text++;
            continue;
        }
        const char *letter = strchr(letters, text[1]);
        if (letter) {
            *at++ = values[letter - letters];
            text += 2;
        } else if (text[1] >= '0' && text[1] <= '7') {
            unsigned value = 0, digits = 0;
            for (text++; digits < 3 && *text >= '0' && *text <= '7'; digits++)
                value = 8 * value + (unsigned)(*text++ - '0');
            *at++ = (char)value;
        } else {
            *at++ = *text++;
        }
    }
    *at = 0;
    return (size_t)(at - out);
}

void out_arrow(const char *what, const char *source, const char *path)
{
    out_text(what);
    out_char('\'');
    out_text(source);
    out_text("' -> '");
    out_text(path);
    out_text("'\n");
}

bool parse_size(const char *text, uint64_t *out_number)
{
    static const char letters[] = "bkMGT";
    char digits[24];
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length >= sizeof(digits))
        return false;
    memcpy(digits, text, length);
    digits[length] = 0;
    if (!parse_number(digits, 10, out_number))
        return false;
    if (!text[length])
        return true;
    const char *letter = strchr(letters, text[length] == 'K'   ? 'k'
                                         : text[length] == 'm' ? 'M'
                                                               : text[length]);
    if (!letter || text[length + 1])
        return false;
    uint64_t unit = letter == letters ? 512 : 1ull << (10 * (letter - letters));
    return !__builtin_mul_overflow(*out_number, unit, out_number);
}

void human_size(uint64_t size, char out[8])
{
    static const char units[] = "KMGTPE";
    if (size < 1024) {
        sw_format(out, 8, "%u", (unsigned)size);
        return;
    }
    int unit = 0;
    while (size >= 1024 * 1024) { /* rounded up, as everybody does */
        size = size / 1024 + (size % 1024 != 0);
        unit++;
    }
    uint64_t tenths = (size * 10 + 1023) / 1024;
    if (tenths < 100)
        sw_format(out, 8, "%u.%u%c", (unsigned)tenths / 10, (unsigned)tenths % 10, units[unit]);
    else if (tenths <= 10230)
        sw_format(out, 8, "%u%c", (unsigned)(tenths + 9) / 10, units[unit]);
    else
        sw_format(out, 8, "1.0%c", units[unit + 1]);
}

/* ---- accounts, from /etc/passwd: lines are name:x:principal:... Without it, numbers. */

static status_t accounts_status; /* of opening it */

static const char *accounts(void)
{
    enum { ACCOUNTS_MAX = 65536 };
    static char *text;
    int fd;
    size_t length = 0, done = 0;
    if (text)
        return text;
    text = calloc(1, ACCOUNTS_MAX + 1);
    if (!text)
        return "";
    accounts_status = sw_fd_open("/etc/passwd", SW_OPEN_READ, 0, &fd);
    if (accounts_status != SW_OK)
        return text;
    while (length < ACCOUNTS_MAX &&
           sw_fd_read(fd, text + length, ACCOUNTS_MAX - length, SW_NEVER, &done) == SW_OK &&
           done > 0)
        length += done;
    sw_fd_close(fd);
    return text;
}

/* The next account; *at moves on. The name's length, 0: no more. */
static size_t next_account(const char **at, const char **out_name, const char **out_number)
{
    const char *line = *at, *colon = strchr(line, ':'),
               *second = colon ? strchr(colon + 1, ':') : NULL;
    if (!second)
        return 0;
    const char *end = strchr(line, '\n');
    *at = end ? end + 1 : line + strlen(line);
    *out_name = line;
    *out_number = second + 1;
    return (size_t)(colon - line);
}

void account_name(uint32_t principal, char *out, size_t capacity)
{
    char number[16];
    size_t digits = sw_format(number, sizeof(number), "%u:", principal), length;
    const char *at = accounts(), *name, *found;
    while ((length = next_account(&at, &name, &found)) > 0)
        if (!strncmp(found, number, digits)) {
            sw_format(out, capacity, "%.*s", (int)length, name);
            return;
        }
    sw_format(out, capacity, "%u", principal);
}

bool account_principal(const char *text, uint32_t *out_principal)
{
    uint64_t number;
    const char *at = accounts(), *name, *found;
    size_t length;
    if (parse_number(text, 10, &number) && number <= UINT32_MAX) {
        *out_principal = (uint32_t)number;
        return true;
    }
    while ((length = next_account(&at, &name, &found)) > 0)
        if (strlen(text) == length && !strncmp(name, text, length)) {
            *out_principal = (uint32_t)strtoul(found, NULL, 10);
            return true;
        }
    if (accounts_status != SW_OK)
        exit(complain("/etc/passwd", accounts_status)); /* nobody knows whether there is one */
    return false;
}
