/* opendir, readdir, closedir. The names `.` and `..` are not listed: they are lexical. */
#include "errors.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <swos/path.h>

struct __dirstream {
    struct sw_directory iterator;
    struct dirent entry;
    char absolute[SW_PATH_MAX]; /* for rewinddir */
};

static status_t stream_start(DIR *stream)
{
    stream->iterator.cookie = 0;
    stream->iterator.count = 0;
    stream->iterator.ended = 0;
    return sw_path_resolve(stream->absolute, &stream->iterator.place);
}

DIR *opendir(const char *path)
{
    struct sw_attributes attributes;
    status_t status = sw_path_attributes(path, &attributes);
    if (status == SW_OK && attributes.kind != SW_FILE_DIRECTORY)
        status = SW_NOT_DIRECTORY;
    if (status_return(status) != 0)
        return NULL;
    DIR *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    status = sw_path_resolve(path, &stream->iterator.place);
    if (status_return(status) != 0) {
        free(stream);
        return NULL;
    }
    strcpy(stream->absolute, stream->iterator.place.absolute);
    return stream;
}

struct dirent *readdir(DIR *stream)
{
    static const unsigned char types[] = {
        [SW_FILE_REGULAR] = DT_REG, [SW_FILE_DIRECTORY] = DT_DIR, [SW_FILE_DEVICE] = DT_CHR
    };
    struct sw_attributes attributes;
    const char *name;
    size_t length;
    status_t status = sw_directory_next(&stream->iterator, &attributes, &name, &length);
    if (status_return(status) != 0 || !name)
        return NULL;
    if (length > NAME_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    stream->entry.d_ino = (ino_t)attributes.id;
    stream->entry.d_type = attributes.kind <= SW_FILE_DEVICE ? types[attributes.kind] : DT_UNKNOWN;
    memcpy(stream->entry.d_name, name, length);
    stream->entry.d_name[length] = 0;
    return &stream->entry;
}

void rewinddir(DIR *stream)
{
    stream_start(stream);
}

int closedir(DIR *stream)
{
    free(stream);
    return 0;
}
