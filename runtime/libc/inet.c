/* Internet addresses as text. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

/* Four decimal numbers up to the end of the text. */
static int parse4(const char *text, uint8_t out[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned value = 0, digits = 0;
        for (; *text >= '0' && *text <= '9' && digits < 4; text++, digits++)
            value = value * 10 + (unsigned)(*text - '0');
        if (digits == 0 || digits > 3 || value > 255 || *text != (i < 3 ? '.' : 0))
            return 0;
        out[i] = (uint8_t)value;
        text += i < 3;
    }
    return 1;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse6(const char *text, uint8_t out[16])
{
    uint8_t bytes[16] = { 0 };
    int used = 0, gap = -1;

    if (text[0] == ':' && text[1] != ':')
        return 0;
    while (*text) {
        if (text[0] == ':' && text[1] == ':') {
            if (gap >= 0)
                return 0;
            gap = used;
            text += 2;
            continue;
        }
        if (*text == ':' && used > 0 && gap != used) {
            text++;
            if (!*text)
                return 0;
        }
        int value = 0, digits = 0;
        const char *start = text;
        while (hex_digit(*text) >= 0 && digits < 5)
            value = value * 16 + hex_digit(*text++), digits++;
        if (*text == '.') {
            if (used > 12 || !parse4(start, bytes + used))
                return 0;
            used += 4;
            break;
        }
        if (digits == 0 || digits > 4 || used > 14 || (*text && *text != ':'))
            return 0;
        bytes[used++] = (uint8_t)(value >> 8);
        bytes[used++] = (uint8_t)value;
    }
    if (gap < 0 ? used != 16 : used > 14)
        return 0;
    memset(out, 0, 16);
    if (gap < 0)
        gap = used;
    memcpy(out, bytes, (size_t)gap);
    memcpy(out + 16 - (used - gap), bytes + gap, (size_t)(used - gap));
    return 1;
}

int inet_pton(int family, const char *text, void *out)
{
    uint8_t bytes[16];
    int good;

    if (family != AF_INET && family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    good = family == AF_INET ? parse4(text, bytes) : parse6(text, bytes);
    if (good)
        memcpy(out, bytes, family == AF_INET ? 4 : 16);
    return good;
}

/* RFC 5952: lower case, the longest run of two zero groups or more left out. */
static void format6(const uint8_t *bytes, char *out)
{
    unsigned groups[8];
    int first = -1, most = 1, at = 0;

    for (int i = 0; i < 8; i++)
        groups[i] = (unsigned)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && groups[i + run] == 0)
            run++;
        if (run > most) {
            first = i;
            most = run;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == first) {
            at += sprintf(out + at, "::");
            i += most - 1;
        } else {
            at += sprintf(out + at, "%s%x", at > 0 && out[at - 1] != ':' ? ":" : "", groups[i]);
        }
    }
}

const char *inet_ntop(int family, const void *address, char *out, socklen_t capacity)
{
    const uint8_t *bytes = address;
    char text[INET6_ADDRSTRLEN];

    if (family == AF_INET) {
        sprintf(text, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
    } else if (family == AF_INET6) {
        format6(bytes, text);
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    if (strlen(text) >= capacity) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(out, text);
}
