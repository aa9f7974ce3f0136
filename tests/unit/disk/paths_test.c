/* Paths of an image: every path there is and many there are not, for several principals, with a cache in
 * whatever state earlier lookups left it; each answer must be the one of an empty cache. */
#include "paths.h"
#include "tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/protocol.h>

#define OWNER 7u
#define OTHER 8u

/* /bin/{ls,x} /etc/motd /own/{deep/file,note}, /own for its owner alone; names of the root: bin etc own. */
static const struct {
    const char *name;
    uint32_t parent, mode, owner, first, count;
    uint16_t kind;
} tree[] = {
    { "", 0, 0755, 0, 1, 3, SW_FILE_DIRECTORY },
    { "bin", 0, 0755, 0, 4, 2, SW_FILE_DIRECTORY },
    { "etc", 0, 0711, 0, 6, 1, SW_FILE_DIRECTORY },
    { "own", 0, 0700, OWNER, 7, 2, SW_FILE_DIRECTORY },
    { "ls", 1, 0755, 0, 0, 0, SW_FILE_REGULAR },
    { "x", 1, 0600, OWNER, 0, 0, SW_FILE_REGULAR },
    { "motd", 2, 0644, 0, 0, 0, SW_FILE_REGULAR },
    { "deep", 3, 0755, 0, 9, 1, SW_FILE_DIRECTORY },
    { "note", 3, 0644, OWNER, 0, 0, SW_FILE_REGULAR },
    { "file", 7, 0644, 0, 0, 0, SW_FILE_REGULAR },
};
#define INODES (sizeof(tree) / sizeof(tree[0]))

static struct image_inode inodes[INODES];
static char names[256];
static struct image image = { .inodes = inodes, .names = names };

static void make_image(void)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < INODES; i++) {
        uint32_t length = (uint32_t)strlen(tree[i].name);

        memcpy(names + at, tree[i].name, length);
        inodes[i] = (struct image_inode){
            .parent = tree[i].parent,
            .name_offset = at,
            .name_length = (uint16_t)length,
            .kind = tree[i].kind,
            .mode = tree[i].mode,
            .owner = tree[i].owner,
            .first_child = tree[i].first,
            .child_count = tree[i].count,
        };
        at += length;
    }
    image.super.inode_count = INODES;
}

static const char *const paths[] = {
    "",          "bin",           "bin/ls",        "bin/x",      "bin/xx", "etc",  "etc/motd",
    "own",       "own/deep/file", "own/note",      "own/deep",   "no",     "etc/", "/etc",
    "bin//ls",   "bin/./ls",      "bin/../bin/ls", "bin/ls/x",   ".",      "..",   "own/no",
    "etc/motd/", "own/deep/fil",  "own/deep/filf", "etc\0/motd", "a/b",    "motd",
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))
static const uint32_t principals[] = { 0, 1, OWNER, OTHER };

static size_t length_of(size_t path)
{
    return path == 24 ? 9 : strlen(paths[path]); /* the one with a NUL */
}

static void test_known(void)
{
    static const struct {
        size_t path;
        uint32_t principal;
        status_t status;
        uint32_t inode;
    } cases[] = {
        { 0, OTHER, SW_OK, 0 },       { 2, OTHER, SW_OK, 4 },         { 6, OTHER, SW_OK, 6 },
        { 8, OWNER, SW_OK, 9 },       { 8, OTHER, SW_ACCESS, 0 },     { 8, 1, SW_OK, 9 },
        { 7, OTHER, SW_OK, 3 },       { 11, OTHER, SW_NOT_FOUND, 0 }, { 12, OTHER, SW_INVALID, 0 },
        { 14, OTHER, SW_INVALID, 0 }, { 17, 0, SW_NOT_DIRECTORY, 0 }, { 24, 0, SW_INVALID, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct path_cache cache = { 0 };
        uint32_t inode = 0;
        size_t path = cases[i].path;
        status_t status =
            image_path(&image, &cache, cases[i].principal, paths[path], length_of(path), &inode);

        CHECK(status == cases[i].status);
        CHECK(status != SW_OK || inode == cases[i].inode);
    }
}

/* An inode is reached by its number where its path leads to it. */
static void test_reaches(void)
{
    for (uint32_t number = 0; number < INODES; number++) {
        char path[64] = "";

        for (uint32_t at = number; at != 0; at = tree[at].parent) {
            char rest[sizeof(path)];

            memcpy(rest, path, sizeof(path));
            snprintf(path, sizeof(path), "%s%s%.20s", tree[at].name, rest[0] ? "/" : "", rest);
        }
        for (size_t i = 0; i < sizeof(principals) / sizeof(principals[0]); i++) {
            struct path_cache cache = { 0 };
            uint32_t inode;
            status_t status = image_path(&image, &cache, principals[i], path, strlen(path), &inode);

            CHECK(status == SW_OK ? inode == number : status == SW_ACCESS);
            CHECK(image_reaches(&image, principals[i], number) == (status == SW_OK));
        }
    }
    CHECK(image_reaches(&image, OWNER, 9) && !image_reaches(&image, OTHER, 9));
}

static void test_cache(void)
{
    static struct path_cache cache;
    uint32_t random = 1, kept = 0, wrong = 0;

    for (int i = 0; i < 200000; i++) {
        struct path_cache empty = { 0 };
        uint32_t inode = UINT32_MAX, wanted = UINT32_MAX;

        random = random * 1664525u + 1013904223u;
        size_t path = (random >> 8) % PATHS, length = length_of(path);
        uint32_t principal = principals[random >> 28 & 3];
        char *text = malloc(length + 1); /* the sanitizer sees a step behind it */
        memcpy(text, paths[path], length);
        text = realloc(text, length ? length : 1);
        status_t status = image_path(&image, &cache, principal, text, length, &inode);

        wrong += status != image_path(&image, &empty, principal, text, length, &wanted);
        wrong += inode != wanted;
        free(text);
    }
    CHECK(wrong == 0);
    for (size_t i = 0; i < PATH_CACHE_ENTRIES; i++) {
        kept += cache.entries[i].inode != 0;
        wrong += !memcmp(cache.entries[i].path, "own/", 4); /* not for everybody */
    }
    CHECK(wrong == 0);
    CHECK(kept >= 4);
}

static void test_long(void)
{
    static char text[SW_PATH_MAX + 2];
    struct path_cache cache = { 0 };
    uint32_t inode, wrong = 0;

    memset(text, 'a', sizeof(text));
    for (size_t length = 1; length <= sizeof(text); length++) {
        status_t status = image_path(&image, &cache, 1, text, length, &inode);

        wrong += status != (length > IMAGE_NAME_MAX ? SW_NAME_TOO_LONG : SW_NOT_FOUND);
    }
    CHECK(wrong == 0);
}

int main(void)
{
    make_image();
    test_known();
    test_reaches();
    test_cache();
    test_long();
    return tap_done();
}
