/* Files below the root, opened once and used by many responses.
 *
 * What is known of a file is asked again after a second; a changed file is opened anew, and responses
 * under way end with the old one. At most FILES_KEPT stay open unused. One thread. */
#pragma once
#include "fields.h"
#include <swos/abi.h>
#include <swos/path.h>

#define FILES_KEPT 64

struct file {
    uint32_t references;
    uint32_t hash;
    uint64_t used, checked; /* monotonic ns */
    bool kept;              /* among those that can be found */
    int fd;
    uint64_t size;
    int64_t modified; /* seconds since 1970; -1: not known */
    const char *type;
    struct sw_attributes attributes;
    char etag[64];
    char content[128], fields[192]; /* of a response's head: type and length; what else is known */
    size_t content_length, fields_length;
    size_t path_length;
    char path[]; /* below the root */
};

/* root: an absolute path, which stays the caller's and constant. Its directory must be there. */
status_t files_open(const char *root);

/* The file of a path, in use until file_put. IS_DIRECTORY, and what opening says; ACCESS also where not
 * everyone may read it. */
status_t file_get(const char *path, size_t length, uint64_t now, struct file **out_file);
void file_put(struct file *file);

/* Bytes of the file to a place; *out_done 0: it is not that long any more. */
status_t file_read(struct file *file, uint64_t offset, void *to, size_t length, size_t *out_done);

/* The absolute path of a directory that everyone may list. */
status_t files_directory(const char *path, size_t length, char out_full[SW_PATH_MAX]);
