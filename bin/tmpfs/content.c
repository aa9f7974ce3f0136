/* Contents of files; see content.h. */
#include "content.h"
#include <string.h>

/* The largest file is as large as the file system; holes need no space but count here. */
static uint64_t size_limit(const struct store *store)
{
    return (uint64_t)store->plan.page_count * SW_PAGE;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Pages of the file that lie one behind the other in the arena, from `page` on, at most `limit`. */
static uint32_t run_length(const struct store *store, uint32_t inode, uint32_t index, uint32_t page,
                           uint32_t limit)
{
    uint32_t count = 1;
    while (count < limit && page_find(store, inode, index + count) == page + count)
        count++;
    return count;
}

status_t content_read(struct store *store, uint32_t inode, uint64_t offset, uint64_t length,
                      const struct content_copy *to, uint64_t *out_done)
{
    static const uint8_t zeros[512];
    uint64_t size = store->inodes[inode].size, done = 0;
    length = offset < size ? smaller(length, size - offset) : 0;
    status_t status = SW_OK;
    while (done < length) {
        uint64_t at = offset + done, in_page = at % SW_PAGE, left = length - done;
        uint32_t index = (uint32_t)(at / SW_PAGE), page = page_find(store, inode, index);
        uint64_t piece;
        if (page == NONE) {
            piece = smaller(smaller(left, SW_PAGE - in_page), sizeof(zeros));
            status = to->copy(to->context, done, (void *)zeros, piece);
        } else {
            uint32_t run = run_length(store, inode, index, page, page_span(in_page + left));
            piece = smaller(left, (uint64_t)run * SW_PAGE - in_page);
            status =
                to->copy(to->context, done, (uint8_t *)page_address(store, page) + in_page, piece);
        }
        if (status != SW_OK)
            break;
        done += piece;
    }
    *out_done = done;
    return done > 0 ? SW_OK : status;
}

/* Makes the bytes behind `size` in its last page zero. */
static void zero_tail(struct store *store, uint32_t inode, uint64_t size)
{
    uint32_t page = size % SW_PAGE ? page_find(store, inode, (uint32_t)(size / SW_PAGE)) : NONE;
    if (page != NONE)
        memset((uint8_t *)page_address(store, page) + size % SW_PAGE, 0, SW_PAGE - size % SW_PAGE);
}

/* Fills a hole: takes pages, copies, and only then makes them the file's. */
static status_t write_fresh(struct store *store, uint32_t inode, uint64_t at, uint64_t left,
                            const struct content_copy *from, uint64_t position, uint64_t *out_piece)
{
    uint32_t index = (uint32_t)(at / SW_PAGE), wanted = 1, first;
    uint64_t in_page = at % SW_PAGE;
    uint32_t limit = page_span(in_page + left);
    while (wanted < limit && page_find(store, inode, index + wanted) == NONE)
        wanted++;
    uint32_t before = index > 0 ? page_find(store, inode, index - 1) : NONE;
    uint32_t count = page_allocate(store, before == NONE ? NONE : before + 1, wanted, &first);
    if (count == 0)
        return SW_NO_SPACE;
    *out_piece = smaller(left, (uint64_t)count * SW_PAGE - in_page);
    status_t status = from->copy(from->context, position,
                                 (uint8_t *)page_address(store, first) + in_page, *out_piece);
    if (status != SW_OK) {
        page_release(store, first, count);
        return status;
    }
    for (uint32_t i = 0; i < count; i++)
        page_attach(store, first + i, inode, index + i);
    return SW_OK;
}

static status_t write_present(struct store *store, uint32_t inode, uint64_t at, uint64_t left,
                              uint32_t page, const struct content_copy *from, uint64_t position,
                              uint64_t *out_piece)
{
    uint64_t in_page = at % SW_PAGE;
    uint32_t run =
        run_length(store, inode, (uint32_t)(at / SW_PAGE), page, page_span(in_page + left));
    *out_piece = smaller(left, (uint64_t)run * SW_PAGE - in_page);
    return from->copy(from->context, position, (uint8_t *)page_address(store, page) + in_page,
                      *out_piece);
}

status_t content_write(struct store *store, uint32_t inode, uint64_t offset, uint64_t length,
                       uint64_t now, const struct content_copy *from, uint64_t *out_done)
{
    uint64_t size = store->inodes[inode].size, done = 0, limit = size_limit(store);
    status_t status = SW_OK;
    *out_done = 0;
    if (length == 0)
        return SW_OK;
    if (offset >= limit)
        return SW_NO_SPACE;
    length = smaller(length, limit - offset);
    while (done < length) {
        uint64_t at = offset + done, piece = 0;
        uint32_t page = page_find(store, inode, (uint32_t)(at / SW_PAGE));
        status = page == NONE
                     ? write_fresh(store, inode, at, length - done, from, done, &piece)
                     : write_present(store, inode, at, length - done, page, from, done, &piece);
        if (status != SW_OK)
            break;
        done += piece;
    }
    if (status != SW_OK) /* a copy that failed may have left bytes behind the end */
        zero_tail(store, inode, done > 0 && offset + done > size ? offset + done : size);
    *out_done = done;
    if (done == 0)
        return status;
    struct inode *image = change_inode(store, inode);
    image->mtime = now;
    if (offset + done > size)
        image->size = offset + done;
    store->answer.done = done;
    store->answer.end = offset + done;
    change_commit(store);
    return SW_OK;
}

status_t content_truncate(struct store *store, uint32_t inode, uint64_t size, uint64_t now)
{
    uint64_t before = store->inodes[inode].size;
    if (size > size_limit(store))
        return SW_NO_SPACE;
    struct inode *image = change_inode(store, inode);
    image->size = size;
    image->mtime = now;
    change_commit(store);
    if (size < before) {
        page_drop(store, inode, page_span(size), page_span(before));
        zero_tail(store, inode, size);
    }
    return SW_OK;
}
