/* POSIX operations on paths and file facts. */
#include "errors.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <swos/path.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#define BLOCK 4096 /* what stdio buffers */
#define ROOT 1     /* the principal that passes checks for reading and writing */

int _open(const char *path, int flags, int mode);
int _stat(const char *path, struct stat *stat);
int _fstat(int fd, struct stat *stat);
int _unlink(const char *path);
int _rename(const char *from, const char *to);
int _link(const char *from, const char *to);
int _mkdir(const char *path, mode_t mode);

static mode_t creation_mask = 022;

mode_t umask(mode_t mask)
{
    return __atomic_exchange_n(&creation_mask, mask & 0777, __ATOMIC_RELAXED);
}

int _open(const char *path, int flags, int mode)
{
    static const struct {
        int posix;
        uint32_t own;
    } bits[] = { { O_CREAT, SW_OPEN_CREATE },
                 { O_EXCL, SW_OPEN_EXCLUSIVE },
                 { O_TRUNC, SW_OPEN_TRUNCATE },
                 { O_APPEND, SW_OPEN_APPEND },
                 { O_DIRECTORY, SW_OPEN_DIRECTORY } };
    int access = flags & O_ACCMODE, fd = -1;
    uint32_t own = access == O_RDONLY   ? SW_OPEN_READ
                   : access == O_WRONLY ? SW_OPEN_WRITE
                                        : SW_OPEN_READ | SW_OPEN_WRITE;
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        if (flags & bits[i].posix)
            own |= bits[i].own;
    mode_t mask = __atomic_load_n(&creation_mask, __ATOMIC_RELAXED);
    status_t status = sw_fd_open(path, own, (uint32_t)mode & 0777 & ~mask, &fd);
    if (status_return_fd(status) != 0)
        return -1;
    if (flags & O_NONBLOCK)
        sw_fd_set_flags(fd, SW_FD_NONBLOCK | (flags & O_APPEND ? SW_FD_APPEND : 0));
    return fd;
}

static void stat_fill(struct stat *stat, const struct sw_attributes *attributes)
{
    static const mode_t kinds[] = {
        [SW_FILE_REGULAR] = S_IFREG, [SW_FILE_DIRECTORY] = S_IFDIR, [SW_FILE_DEVICE] = S_IFCHR
    };
    *stat = (struct stat){
        .st_ino = (ino_t)attributes->id,
        .st_mode =
            attributes->mode | (attributes->kind <= SW_FILE_DEVICE ? kinds[attributes->kind] : 0),
        .st_nlink = (nlink_t)attributes->links,
        .st_uid = (uid_t)attributes->owner,
        .st_size = (off_t)attributes->size,
        .st_blksize = BLOCK,
        .st_blocks = (blkcnt_t)((attributes->size + S_BLKSIZE - 1) / S_BLKSIZE),
    };
    stat->st_mtim.tv_sec = (time_t)(attributes->mtime / SW_SECOND);
    stat->st_mtim.tv_nsec = (long)(attributes->mtime % SW_SECOND);
    stat->st_atim = stat->st_ctim = stat->st_mtim;
}

int _stat(const char *path, struct stat *stat)
{
    struct sw_attributes attributes;
    status_t status = sw_path_attributes(path, &attributes);
    if (status == SW_OK)
        stat_fill(stat, &attributes);
    return status_return(status);
}

int _fstat(int fd, struct stat *stat)
{
    struct sw_fd_facts facts;
    struct sw_attributes attributes;
    status_t status = sw_fd_facts(fd, &facts);
    if (status == SW_OK)
        status = sw_fd_attributes(fd, &attributes);
    if (status != SW_OK)
        return status_return(status);
    stat_fill(stat, &attributes);
    if (facts.kind == SW_FD_PIPE)
        stat->st_mode = S_IFIFO | 0600;
    return 0;
}

int _unlink(const char *path)
{
    return status_return(sw_path_unlink(path));
}

int _rename(const char *from, const char *to)
{
    return status_return(sw_path_rename(from, to));
}

int _link(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = ENOTSUP;
    return -1;
}

int _mkdir(const char *path, mode_t mode)
{
    mode_t mask = __atomic_load_n(&creation_mask, __ATOMIC_RELAXED);
    return status_return(sw_path_make_directory(path, mode & 0777 & ~mask));
}

int mkdir(const char *path, mode_t mode)
{
    return _mkdir(path, mode);
}

int rmdir(const char *path)
{
    return status_return(sw_path_remove_directory(path));
}

int chmod(const char *path, mode_t mode)
{
    return status_return(sw_path_set_mode(path, mode & 0777));
}

int chown(const char *path, uid_t owner, gid_t group)
{
    (void)group; /* there are no groups */
    return status_return(sw_path_set_owner(path, (uint32_t)owner));
}

int chdir(const char *path)
{
    return status_return(sw_path_change_directory(path));
}

char *getcwd(char *buffer, size_t size)
{
    char *out = buffer;
    if (!out) { /* the usual extension: memory is made */
        size = size ? size : SW_PATH_MAX;
        out = malloc(size);
        if (!out)
            return NULL;
    }
    status_t status = sw_path_directory(out, size);
    if (status_return(status) == 0)
        return out;
    if (!buffer)
        free(out);
    return NULL;
}

/* Asks what the servers would say: principal 0 passes, root passes for reading and writing. */
int access(const char *path, int wanted)
{
    struct sw_attributes attributes;
    status_t status = sw_path_attributes(path, &attributes);
    if (status != SW_OK)
        return status_return(status);
    uid_t self = getuid();
    uint32_t granted = attributes.owner == self ? attributes.mode >> 6 : attributes.mode;
    if (self == ROOT)
        granted |= R_OK | W_OK;
    if (self == 0)
        granted = R_OK | W_OK | X_OK;
    if (((uint32_t)wanted & (R_OK | W_OK | X_OK) & ~granted) == 0)
        return 0;
    errno = EACCES;
    return -1;
}

int utimes(const char *path, const struct timeval times[2])
{
    uint64_t mtime =
        times ? (uint64_t)times[1].tv_sec * SW_SECOND + (uint64_t)times[1].tv_usec * SW_MICROSECOND
              : sw_clock_wall();
    return status_return(sw_path_set_time(path, mtime));
}

int utime(const char *path, const struct utimbuf *times)
{
    return status_return(
        sw_path_set_time(path, times ? (uint64_t)times->modtime * SW_SECOND : sw_clock_wall()));
}
