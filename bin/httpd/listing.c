/* Directory listings. See listing.h. */
#include "listing.h"
#include "files.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>

struct entry {
    uint64_t size;
    bool directory;
    size_t length;
    char name[];
};

/* Text that grows; `failed` sticks. */
struct page {
    char *text;
    size_t length, capacity;
    bool failed;
};

static char *page_room(struct page *page, size_t more)
{
    if (page->failed)
        return NULL;
    if (page->capacity - page->length < more) {
        size_t capacity = page->capacity * 2 + more;
        char *text = realloc(page->text, capacity);
        if (!text) {
            page->failed = true;
            return NULL;
        }
        page->text = text;
        page->capacity = capacity;
    }
    return page->text + page->length;
}

static void put(struct page *page, const char *text)
{
    size_t length = strlen(text);
    char *at = page_room(page, length);

    if (at) {
        memcpy(at, text, length);
        page->length += length;
    }
}

typedef size_t escape(const char *text, size_t length, char *out, size_t capacity);

static void put_escaped(struct page *page, escape *how, const char *text, size_t length)
{
    size_t needed = how(text, length, NULL, 0);
    char *at = page_room(page, needed);

    if (at)
        page->length += how(text, length, at, needed);
}

static int by_name(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
    size_t shorter = x->length < y->length ? x->length : y->length;
    int order = memcmp(x->name, y->name, shorter);

    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static status_t read_entries(const char *full, struct entry **entries, size_t *out_count,
                             size_t *out_more)
{
    struct sw_directory directory = { 0 };
    struct sw_attributes attributes;
    const char *name;
    size_t length;
    status_t status = sw_path_resolve(full, &directory.place);

    while (status == SW_OK) {
        status = sw_directory_next(&directory, &attributes, &name, &length);
        if (status != SW_OK || !name)
            break;
        if (*out_count == LISTING_MOST) {
            ++*out_more;
            continue;
        }
        struct entry *entry = malloc(sizeof(*entry) + length);
        if (!entry)
            return SW_NO_MEMORY;
        *entry = (struct entry){ .size = attributes.size,
                                 .directory = attributes.kind == SW_FILE_DIRECTORY,
                                 .length = length };
        memcpy(entry->name, name, length);
        entries[(*out_count)++] = entry;
    }
    return status;
}

static void put_entry(struct page *page, const struct entry *entry)
{
    char size[32];

    /* "./" in front: a name with a colon is no scheme. */
    put(page, "<tr><td><a href=\"./");
    put_escaped(page, url_escape, entry->name, entry->length);
    put(page, entry->directory ? "/\">" : "\">");
    put_escaped(page, html_escape, entry->name, entry->length);
    put(page, entry->directory ? "/</a></td><td></td></tr>\n" : "</a></td><td>");
    if (!entry->directory) {
        sw_format(size, sizeof(size), "%llu", (unsigned long long)entry->size);
        put(page, size);
        put(page, "</td></tr>\n");
    }
}

status_t listing_make(const char *path, size_t length, char **out_page, size_t *out_length)
{
    struct entry **entries = calloc(LISTING_MOST, sizeof(*entries));
    struct page page = { 0 };
    size_t count = 0, more = 0;
    char full[SW_PATH_MAX], number[64];
    status_t status;

    if (!entries)
        return SW_NO_MEMORY;
    status = files_directory(path, length, full);
    if (status == SW_OK)
        status = read_entries(full, entries, &count, &more);
    if (status == SW_OK) {
        qsort(entries, count, sizeof(*entries), by_name);
        put(&page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>/");
        put_escaped(&page, html_escape, path, length);
        put(&page, "</title></head>\n<body><h1>/");
        put_escaped(&page, html_escape, path, length);
        put(&page, "</h1>\n<table>\n");
        if (length > 0)
            put(&page, "<tr><td><a href=\"../\">../</a></td><td></td></tr>\n");
        for (size_t i = 0; i < count; i++)
            put_entry(&page, entries[i]);
        put(&page, "</table>\n");
        if (more > 0) {
            sw_format(number, sizeof(number), "<p>and %llu more</p>\n", (unsigned long long)more);
            put(&page, number);
        }
        put(&page, "</body></html>\n");
        if (page.failed)
            status = SW_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (status != SW_OK) {
        free(page.text);
        return status;
    }
    *out_page = page.text;
    *out_length = page.length;
    return SW_OK;
}
