/* Memory for password hashing: taken from the kernel at use and given back at once.
 *
 * libsodium asks malloc for it. A C library keeps what was freed for later, which would hold 7 MiB
 * of a system that has few; so large blocks of this program are mappings of their own. Only one
 * exists at a time, for authd has one thread and hashes one password at a time. */
#include "hash_memory.h"

#include <reent.h>
#include <stdint.h>
#include <stdlib.h>
#include <swos/mapping.h>

#define LARGE (1u << 20)

static struct {
    void *address; /* NULL: none */
    size_t size;
    bool was_short;
} large;

bool hash_memory_was_short(void)
{
    bool result = large.was_short;
    large.was_short = false;
    return result;
}

/* Committed at once: without memory the answer is NO_MEMORY and not the end of the process at
 * the first touch that finds no page. */
static void *large_take(size_t size)
{
    if (large.address || sw_mapping_create(size, SW_MEMORY_COMMIT, &large.address, NULL) != SW_OK) {
        large.was_short = true;
        return NULL;
    }
    large.size = size;
    return large.address;
}

void *malloc(size_t size)
{
    return size >= LARGE ? large_take(size) : _malloc_r(_REENT, size);
}

void free(void *block)
{
    if (block && block == large.address) {
        sw_mapping_unmap(large.address, large.size);
        large.address = NULL;
    } else {
        _free_r(_REENT, block);
    }
}
