/* Descriptors: POSIX file numbers over handles.
 *
 * A descriptor names an open file (shared by dup); an open file is a handle, what kind it is, and
 * an offset. Servers keep no offsets: the offset lies in this process until the open file is
 * passed to another one, from then on in a small shared memory object that travels with it
 * (start handle `fd/N/offset`), with the facts about the file that the handle alone does not tell.
 * Image files are read without calls: their memory is mapped on the second read.
 *
 * Everything here may be used by several threads. Descriptors 0 to SW_FD_LIMIT - 1; those of the
 * start block exist at start. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/protocol.h>

#define SW_FD_LIMIT 256

/* Kinds beyond SW_FD_*, from SW_FD_DIRECTORY on, that never cross a process boundary. */
#define SW_FD_DIRECTORY 0x100
#define SW_FD_EVENT 0x101
#define SW_FD_OBJECT 0x102

/* Flags of an open file. */
#define SW_FD_READ 1u
#define SW_FD_WRITE 2u
#define SW_FD_APPEND 4u
#define SW_FD_NONBLOCK 8u

struct sw_fd_facts {
    uint32_t kind;    /* SW_FD_* */
    uint32_t flags;   /* SW_FD_READ.. */
    handle_t handle;  /* borrowed: valid while the descriptor is open; 0 where there is none */
    handle_t control; /* terminal: its control connection; borrowed */
};

/* Opens a path. flags: SW_OPEN_*. The lowest free number. QUOTA: no free number. */
status_t sw_fd_open(const char *path, uint32_t flags, uint32_t mode, int *out_fd);

/* A pipe of `capacity` bytes: out_fds[0] reads, out_fds[1] writes. */
status_t sw_fd_pipe(uint32_t capacity, int out_fds[2]);

/* Makes a descriptor of a handle; takes handle and control (closed with the descriptor). kind:
 * SW_FD_PIPE, SW_FD_TERMINAL, SW_FD_FILE, SW_FD_NULL or SW_FD_EVENT. */
status_t sw_fd_adopt(uint32_t kind, uint32_t flags, handle_t handle, handle_t control, int *out_fd);

/* What a kind of descriptor does that libswos does not know itself (sockets): programs without one do not
 * link it. `ready` tells readiness (SW_POLL_*). When there is none, `watched` gives a handle: after an event
 * of it with a bit of the mask, `ready` is asked again; mask 0: no event tells of what is wanted;
 * handle 0: ask at once. `rewatched`: there was an event, and it was not what is waited for. `unwatched` ends
 * what `watched` with a mask began, with the same `wanted`. */
struct sw_fd_class {
    status_t (*read)(void *object, void *buffer, size_t length, uint64_t deadline,
                     size_t *out_done);
    status_t (*write)(void *object, const void *buffer, size_t length, uint64_t deadline,
                      size_t *out_done);
    uint32_t (*ready)(void *object, uint32_t wanted);
    handle_t (*watched)(void *object, uint32_t wanted, uint64_t *out_mask);
    void (*rewatched)(void *object);
    void (*unwatched)(void *object, uint32_t wanted);
    void (*close)(void *object);
};

/* A descriptor of such an object; takes it when it succeeds. */
status_t sw_fd_adopt_object(const struct sw_fd_class *class, void *object, uint32_t flags,
                            int *out_fd);
/* The object of a descriptor, in use until sw_fd_object_put(*out_reference). WRONG_TYPE: of another class. */
status_t sw_fd_object(int fd, const struct sw_fd_class *class, void **out_object,
                      uint32_t *out_flags, void **out_reference);
void sw_fd_object_put(void *reference);

status_t sw_fd_close(int fd);

/* Lowest free number from `minimum` on. */
status_t sw_fd_duplicate(int fd, int minimum, int *out_fd);
/* Closes `to` first when it is open; nothing happens when both are the same. */
status_t sw_fd_duplicate_to(int fd, int to);

status_t sw_fd_facts(int fd, struct sw_fd_facts *out_facts);
status_t sw_fd_set_flags(int fd, uint32_t flags); /* SW_FD_APPEND, SW_FD_NONBLOCK */
/* Whether spawn passes the descriptor on when no list of descriptors is given. False for all but
 * those of the start block. */
status_t sw_fd_inherited(int fd, int *out_inherited);
status_t sw_fd_set_inherited(int fd, int inherited);

/* Read and write at the offset. *out_done may be less than length; 0 from a read is end of file.
 * TIMED_OUT: deadline passed, or SW_FD_NONBLOCK and nothing there, nothing happened; a write that
 * moved some bytes first is a success. PEER_CLOSED: nobody reads the pipe. */
status_t sw_fd_read(int fd, void *buffer, size_t length, uint64_t deadline, size_t *out_done);
status_t sw_fd_write(int fd, const void *buffer, size_t length, uint64_t deadline,
                     size_t *out_done);
/* At a given place, leaving the offset alone. WRONG_TYPE for pipes and terminals. */
status_t sw_fd_read_at(int fd, void *buffer, size_t length, uint64_t offset, size_t *out_done);
status_t sw_fd_write_at(int fd, const void *buffer, size_t length, uint64_t offset,
                        size_t *out_done);

enum sw_fd_origin { SW_FD_FROM_START, SW_FD_FROM_OFFSET, SW_FD_FROM_END };
/* WRONG_TYPE for pipes and terminals (ESPIPE). */
status_t sw_fd_seek(int fd, int64_t distance, enum sw_fd_origin origin, uint64_t *out_offset);

status_t sw_fd_attributes(int fd, struct sw_attributes *out_attributes);
status_t sw_fd_truncate(int fd, uint64_t size);
status_t sw_fd_sync(int fd);
/* Asks the descriptor's control connection; SW_OK when it is a terminal. */
status_t sw_fd_terminal(int fd);

/* Path of an open directory, or INVALID. */
status_t sw_fd_directory(int fd, char *out, size_t capacity);

/* Readiness. `ready` gets bits of `wanted`, and ERROR, CLOSED, BAD unasked. */
#define SW_POLL_IN 1u
#define SW_POLL_OUT 2u
#define SW_POLL_ERROR 4u  /* write end without reader */
#define SW_POLL_CLOSED 8u /* the other end is closed */
#define SW_POLL_BAD 16u   /* no such descriptor */
struct sw_poll {
    int fd; /* negative: skipped */
    uint32_t wanted, ready;
};
/* Waits until one is ready or the deadline has passed (SW_OK with *out_count 0). INTERRUPTED. */
status_t sw_fd_poll(struct sw_poll *polls, size_t count, uint64_t deadline, size_t *out_count);
