/* What libfdt needs from its surroundings: byte order and a few string functions.
 *
 * Takes the place of libfdt's own libfdt_env.h, so that the kernel, which has no C library
 * headers, can include <libfdt.h>. Device trees are big-endian, swos is little-endian. */

#ifndef LIBFDT_ENV_H
#define LIBFDT_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_FORCE
#define FDT_BITWISE

typedef uint16_t fdt16_t;
typedef uint32_t fdt32_t;
typedef uint64_t fdt64_t;

static inline uint16_t fdt16_to_cpu(fdt16_t value)
{
    return __builtin_bswap16(value);
}
static inline fdt16_t cpu_to_fdt16(uint16_t value)
{
    return __builtin_bswap16(value);
}
static inline uint32_t fdt32_to_cpu(fdt32_t value)
{
    return __builtin_bswap32(value);
}
static inline fdt32_t cpu_to_fdt32(uint32_t value)
{
    return __builtin_bswap32(value);
}
static inline uint64_t fdt64_to_cpu(fdt64_t value)
{
    return __builtin_bswap64(value);
}
static inline fdt64_t cpu_to_fdt64(uint64_t value)
{
    return __builtin_bswap64(value);
}

#ifndef INT_MAX
#define INT_MAX __INT_MAX__
#endif

void *memchr(const void *block, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *block, int byte, size_t size);
char *strchr(const char *string, int character);
size_t strlen(const char *string);
size_t strnlen(const char *string, size_t limit);
char *strrchr(const char *string, int character);

#endif
