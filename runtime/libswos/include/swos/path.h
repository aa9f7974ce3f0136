/* Paths: lexical resolution, the table of prefixes, and operations on names.
 *
 * `.` and `..` are lexical; there are no symbolic links. The longest prefix of the start block's
 * path table decides which file server a path belongs to; the server sees what follows it, without
 * a leading slash. NOT_FOUND when no prefix fits. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/protocol.h>

struct sw_place {
    handle_t connection; /* the file server; borrowed */
    const char *path;    /* relative to its root; points into `absolute` */
    size_t length;
    char absolute[SW_PATH_MAX]; /* normal form: "/" or "/a/b" */
};

/* Resolves against the working directory. NOT_FOUND: empty path. NAME_TOO_LONG. */
status_t sw_path_resolve(const char *path, struct sw_place *out_place);

/* The pure part: joins (unless path is absolute) and normalizes into out, SW_PATH_MAX bytes. */
status_t sw_path_normalize(const char *directory, const char *path, char *out);

/* True when the absolute path lies at or below the prefix ("/" or "/a/b", no trailing slash);
 * *out_rest is then what follows it without slash. */
int sw_path_below(const char *absolute, const char *prefix, const char **out_rest);

/* Copies the working directory. OUT_OF_RANGE: capacity too small. */
status_t sw_path_directory(char *out, size_t capacity);
/* NOT_DIRECTORY; ACCESS: nothing in it could be looked up. */
status_t sw_path_change_directory(const char *path);

/* Whether this process may read (bit 4), write (2), execute or search (1) what has these attributes, as file
 * servers decide: by the bits of the owner or of others; the system and root may all, but execute what nobody
 * may. That a file system is read-only, or a capability missing, does not show here. */
int sw_path_allows(const struct sw_attributes *attributes, uint32_t bit);

/* /dev/null is made here: no server knows it. */
int sw_path_is_null(const struct sw_place *place);

status_t sw_path_attributes(const char *path, struct sw_attributes *out_attributes);
status_t sw_path_make_directory(const char *path, uint32_t mode);
status_t sw_path_remove_directory(const char *path);
status_t sw_path_unlink(const char *path);
/* CROSS_DEVICE when the paths belong to different servers. */
status_t sw_path_rename(const char *from, const char *to);
status_t sw_path_set_mode(const char *path, uint32_t mode);
status_t sw_path_set_owner(const char *path, uint32_t owner);
/* mtime: ns since 1970. */
status_t sw_path_set_time(const char *path, uint64_t mtime);

/* Reading a directory: entries one by one, in the server's order. Zero the structure, set its
 * `place` with sw_path_resolve, then call until *out_name is NULL. The name has no NUL and is valid
 * until the next call. */
struct sw_directory {
    struct sw_place place;
    uint64_t cookie;
    uint32_t count, at, used;
    int ended;
    _Alignas(8) uint8_t buffer[4096];
};
status_t sw_directory_next(struct sw_directory *directory, struct sw_attributes *out_attributes,
                           const char **out_name, size_t *out_length);
