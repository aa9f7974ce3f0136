/* The system's half of newlib's <dirent.h>. */
#ifndef SWOS_SYS_DIRENT_H
#define SWOS_SYS_DIRENT_H

#include <limits.h>
#include <sys/types.h>

#ifndef NAME_MAX
#define NAME_MAX 255
#endif

typedef struct __dirstream DIR;

struct dirent {
    ino_t d_ino;
    unsigned char d_type; /* DT_* */
    char d_name[NAME_MAX + 1];
};

#define DT_UNKNOWN 0
#define DT_CHR 2
#define DT_DIR 4
#define DT_REG 8

#endif
