/* The string functions compilers and libfdt expect; copying and filling are the arch's. `used`: the
 * compiler makes calls of it late, from comparisons of structures. */
#include "types.h"

void *memchr(const void *block, int byte, size_t size);
char *strchr(const char *string, int character);
size_t strnlen(const char *string, size_t limit);
char *strrchr(const char *string, int character);

__attribute__((used)) int memcmp(const void *a, const void *b, size_t length)
{
    const uint8_t *left = a, *right = b;
    for (; length >= 8; length -= 8, left += 8, right += 8) {
        uint64_t x, y;
        __builtin_memcpy(&x, left, 8);
        __builtin_memcpy(&y, right, 8);
        if (x != y)
            break;
    }
    for (; length; length--, left++, right++)
        if (*left != *right)
            return *left - *right;
    return 0;
}

void *memchr(const void *block, int byte, size_t size)
{
    for (const uint8_t *at = block; size--; at++)
        if (*at == (uint8_t)byte)
            return (void *)(uintptr_t)at;
    return NULL;
}

size_t strnlen(const char *string, size_t limit)
{
    size_t length = 0;
    while (length < limit && string[length])
        length++;
    return length;
}

/* Written so that the compiler does not turn it into a call of itself. */
__attribute__((optimize("no-tree-loop-distribute-patterns"))) size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

char *strchr(const char *string, int character)
{
    for (;; string++) {
        if (*string == (char)character)
            return (char *)(uintptr_t)string;
        if (!*string)
            return NULL;
    }
}

char *strrchr(const char *string, int character)
{
    char *found = NULL;
    for (;; string++) {
        if (*string == (char)character)
            found = (char *)(uintptr_t)string;
        if (!*string)
            return found;
    }
}
