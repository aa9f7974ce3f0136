/* Physical pages: free RAM that was never touched is handed out from the front of its range, freed
 * pages go onto a stack that is threaded through the pages themselves. So there is no per-page
 * metadata, and a page that was just freed, whose translation is still warm, is used again first.
 *
 * Guarded by the big lock. A page's owner is known to its user only (memory.h), so a double free
 * cannot be noticed here; debug builds fill freed pages. */
#include "arch.h"
#include "memory.h"

#define RANGES 48

/* The reserve, in pages: a share of RAM within bounds. 1 MiB lets every driver and server of the
 * boot bundle serve a request and restart; 8 MiB is more than all of them use. */
#define RESERVE_SHARE 16
#define RESERVE_LEAST 256
#define RESERVE_MOST 2048

uint64_t page_total, page_free_count, page_reserve;

static struct {
    paddr_t next, end;
} fresh[RANGES];
static uint32_t fresh_first, fresh_count;
static paddr_t free_list; /* the first 8 bytes of a free page name the next one; 0: end */

void page_init(paddr_t start, paddr_t end)
{
    start = ROUND_UP(start, PAGE_SIZE);
    end = end / PAGE_SIZE * PAGE_SIZE;
    if (start >= end || fresh_count == RANGES)
        return;
    fresh[fresh_count].next = start;
    fresh[fresh_count++].end = end;
    page_total += (end - start) / PAGE_SIZE;
    page_free_count += (end - start) / PAGE_SIZE;
    page_reserve = page_total / RESERVE_SHARE;
    page_reserve = page_reserve < RESERVE_LEAST  ? RESERVE_LEAST
                   : page_reserve > RESERVE_MOST ? RESERVE_MOST
                                                 : page_reserve;
}

paddr_t page_allocate(void)
{
    paddr_t page = free_list;
    if (page) {
        free_list = *(const paddr_t *)page_pointer(page);
    } else {
        while (fresh_first < fresh_count && fresh[fresh_first].next == fresh[fresh_first].end)
            fresh_first++;
        if (fresh_first == fresh_count)
            return 0;
        page = fresh[fresh_first].next;
        fresh[fresh_first].next += PAGE_SIZE;
    }
    page_free_count--;
    return page;
}

paddr_t page_allocate_zero(void)
{
    paddr_t page = page_allocate();
    if (page)
        memset(page_pointer(page), 0, PAGE_SIZE);
    return page;
}

void page_free(paddr_t page)
{
    paddr_t *link = page_pointer(page);
    ASSERT(page && page % PAGE_SIZE == 0);
#ifdef SW_DEBUG
    memset(link, 0xdf, PAGE_SIZE);
#endif
    *link = free_list;
    free_list = page;
    page_free_count++;
}
