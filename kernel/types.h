/* Types and small helpers every kernel file uses. */
#pragma once
#define SW_KERNEL 1
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

typedef uint64_t paddr_t; /* physical address */
typedef uint64_t vaddr_t; /* user virtual address; kernel pointers are C pointers */

/* What a system call handler may return besides a status. */
#define SYSCALL_BLOCKED 1 /* the thread waits; whoever ends the wait writes its registers */
#define SYSCALL_RESTART 2 /* made again from the unchanged registers when the thread runs next */

#define PAGE_SIZE SW_PAGE
#define PAGE_SHIFT 12
#define CPU_MAX 8
#define USER_LIMIT (1ull << 39) /* first address above user space */

#define ROUND_UP(value, unit) (((value) + (unit)-1) / (unit) * (unit))
#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
/* Keeps rare work out of the functions and pages of frequent one. */
#define COLD __attribute__((noinline, cold))
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

void *memcpy(void *to, const void *from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t strlen(const char *text);

/* Stops the machine with a record. Formats: %s %d %u %x %lx %lu %p. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            panic("assertion failed: %s (%s:%d)", #condition, __FILE_NAME__, __LINE__);            \
    } while (0)
