/* POSIX input and output on libswos descriptors. */
#include "errors.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <unistd.h>

#define PIPE_CAPACITY 65536

ssize_t _read(int fd, void *buffer, size_t length);
ssize_t _write(int fd, const void *buffer, size_t length);
off_t _lseek(int fd, off_t offset, int whence);
int _close(int fd);
int _fcntl(int fd, int command, int argument);
int _isatty(int fd);

/* Bytes moved, or -1. A wait cut short by O_NONBLOCK is EAGAIN. */
static ssize_t moved(status_t status, size_t done)
{
    if (status == SW_OK)
        return (ssize_t)done;
    if (status == SW_TIMED_OUT) {
        errno = EAGAIN;
        return -1;
    }
    return status_return(status);
}

ssize_t _read(int fd, void *buffer, size_t length)
{
    size_t done = 0;
    status_t status = sw_fd_read(fd, buffer, length, SW_NEVER, &done);
    return moved(status, done);
}

ssize_t _write(int fd, const void *buffer, size_t length)
{
    size_t done = 0;
    status_t status = sw_fd_write(fd, buffer, length, SW_NEVER, &done);
    if (status == SW_PEER_CLOSED)
        raise(SIGPIPE); /* ends the writer of a pipe nobody reads, unless it ignores the signal */
    return moved(status, done);
}

static int seek_return(status_t status)
{
    if (status == SW_WRONG_TYPE) {
        errno = ESPIPE;
        return -1;
    }
    return status_return(status);
}

ssize_t pread(int fd, void *buffer, size_t length, off_t offset)
{
    size_t done = 0;
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    status_t status = sw_fd_read_at(fd, buffer, length, (uint64_t)offset, &done);
    return seek_return(status) == 0 ? (ssize_t)done : -1;
}

ssize_t pwrite(int fd, const void *buffer, size_t length, off_t offset)
{
    size_t done = 0;
    if (offset < 0) {
        errno = EINVAL;
        return -1;
    }
    status_t status = sw_fd_write_at(fd, buffer, length, (uint64_t)offset, &done);
    return seek_return(status) == 0 ? (ssize_t)done : -1;
}

off_t _lseek(int fd, off_t offset, int whence)
{
    enum sw_fd_origin origin = whence == SEEK_SET   ? SW_FD_FROM_START
                               : whence == SEEK_CUR ? SW_FD_FROM_OFFSET
                                                    : SW_FD_FROM_END;
    uint64_t now = 0;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) {
        errno = EINVAL;
        return -1;
    }
    status_t status = sw_fd_seek(fd, offset, origin, &now);
    return seek_return(status) == 0 ? (off_t)now : -1;
}

int _close(int fd)
{
    return status_return(sw_fd_close(fd));
}

int dup(int fd)
{
    int copy = -1;
    status_t status = sw_fd_duplicate(fd, 0, &copy);
    return status_return_fd(status) == 0 ? copy : -1;
}

int dup2(int fd, int to)
{
    return status_return(sw_fd_duplicate_to(fd, to)) == 0 ? to : -1;
}

int pipe(int fds[2])
{
    return status_return_fd(sw_fd_pipe(PIPE_CAPACITY, fds));
}

int ftruncate(int fd, off_t length)
{
    if (length < 0) {
        errno = EINVAL;
        return -1;
    }
    return status_return(sw_fd_truncate(fd, (uint64_t)length));
}

int fsync(int fd)
{
    return status_return(sw_fd_sync(fd));
}

int _isatty(int fd)
{
    status_t status = sw_fd_terminal(fd);
    if (status == SW_OK)
        return 1;
    errno = status == SW_BAD_HANDLE ? EBADF : ENOTTY;
    return 0;
}

static int flags_of(uint32_t flags)
{
    int access = flags & SW_FD_WRITE ? (flags & SW_FD_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
    return access | (flags & SW_FD_APPEND ? O_APPEND : 0) |
           (flags & SW_FD_NONBLOCK ? O_NONBLOCK : 0);
}

int _fcntl(int fd, int command, int argument)
{
    struct sw_fd_facts facts;
    int value = -1;
    status_t status;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        status = sw_fd_duplicate(fd, argument, &value);
        return status_return_fd(status) == 0 ? value : -1;
    case F_GETFD:
        status = sw_fd_inherited(fd, &value);
        return status_return(status) == 0 ? (value ? 0 : FD_CLOEXEC) : -1;
    case F_SETFD:
        return status_return(sw_fd_set_inherited(fd, !(argument & FD_CLOEXEC)));
    case F_GETFL:
        status = sw_fd_facts(fd, &facts);
        return status_return(status) == 0 ? flags_of(facts.flags) : -1;
    case F_SETFL:
        return status_return(sw_fd_set_flags(fd, (argument & O_APPEND ? SW_FD_APPEND : 0) |
                                                     (argument & O_NONBLOCK ? SW_FD_NONBLOCK : 0)));
    default:
        errno = EINVAL;
        return -1;
    }
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    static const struct {
        short posix;
        uint32_t own;
    } bits[] = { { POLLIN, SW_POLL_IN },
                 { POLLOUT, SW_POLL_OUT },
                 { POLLERR, SW_POLL_ERROR },
                 { POLLHUP, SW_POLL_CLOSED },
                 { POLLNVAL, SW_POLL_BAD } };
    struct sw_poll polls[SW_FD_LIMIT];
    if (count > SW_FD_LIMIT) {
        errno = EINVAL;
        return -1;
    }
    for (nfds_t i = 0; i < count; i++)
        polls[i] = (struct sw_poll){ .fd = fds[i].fd,
                                     .wanted = (fds[i].events & POLLIN ? SW_POLL_IN : 0) |
                                               (fds[i].events & POLLOUT ? SW_POLL_OUT : 0) };
    uint64_t deadline = SW_NEVER;
    if (timeout_ms >= 0)
        deadline = timeout_ms ? sw_clock_deadline((uint64_t)timeout_ms * SW_MILLISECOND) : 0;
    size_t ready = 0;
    status_t status = sw_fd_poll(polls, count, deadline, &ready);
    if (status != SW_OK)
        return status_return(status);
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        for (size_t k = 0; k < sizeof(bits) / sizeof(bits[0]); k++)
            if (polls[i].ready & bits[k].own)
                fds[i].revents |= bits[k].posix;
    }
    return (int)ready;
}
