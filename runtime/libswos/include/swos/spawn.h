/* Starting programs, and waiting for their end.
 *
 * Nothing is inherited by accident: a child gets the descriptors and handles listed here. What is
 * copied to the child stays the caller's; what is moved is gone from the caller when the spawn
 * succeeded, and still there when it failed. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

/* A named handle for the child. handle 0: only the name and info are given (fd/N of kind NULL). */
struct sw_spawn_handle {
    const char *name;
    handle_t handle;
    uint32_t rights; /* 0 or SW_RIGHTS_SAME: what the handle has; else a subset */
    uint32_t info;   /* start block: fd/N: SW_FD_*; script: bytes of its text */
    bool move;
};

/* The child's descriptor `child` is the caller's `parent`. */
struct sw_spawn_descriptor {
    int child, parent;
};

struct sw_spawn_path {
    const char *prefix;
    handle_t connection;
};

#define SW_SPAWN_HANDLES_MAX 64 /* the kernel's limit, paths and descriptors included */

struct sw_spawn_options {
    handle_t job;                   /* where it runs; 0: start handle `job` */
    const char *const *arguments;   /* NULL-terminated; NULL: the path alone */
    const char *const *environment; /* NULL-terminated; NULL: the caller's start environment */
    const struct sw_spawn_descriptor *descriptors; /* NULL: every descriptor marked inherited */
    size_t descriptor_count;
    const struct sw_spawn_handle *handles; /* named handles besides */
    size_t handle_count;
    bool
        bare; /* false: `job` (the one it runs in), `names`, `log` and `terminal` (where a session's
                  keys come from) are given as well, unless `handles` names them */
    const struct sw_spawn_path *paths; /* NULL: the caller's table */
    size_t path_count;
    const char *directory; /* absolute; NULL: the caller's working directory */
    uint64_t drop_caps;    /* capability bits the child does not get */
    uint32_t band;         /* scheduling band, cut down to the job's */
    const char *name;      /* for people; NULL: last component of the path or argument 0 */
};

/* Opens a path for execution and starts it: a program of an image, or a `#!` script (from anywhere
 * readable; its interpreter must be a program). A script of an image reaches its interpreter as
 * the start handle `script` besides its path as argument. *out_process is the caller's to close.
 * ACCESS: no capability `spawn`, or not executable. BAD_IMAGE: neither program nor script. */
status_t sw_spawn_program(const char *path, const struct sw_spawn_options *options,
                          handle_t *out_process, uint32_t *out_pid);

/* Starts a program that is already open: `memory` as sw_program's segments name it. Does not touch
 * the descriptor table; options->descriptors is ignored (pass handles named fd/N), and so are
 * paths, environment, directory and default handles of the caller where they are NULL: the child
 * gets none (directory "/"). Uses no heap: what keeper and init start servers with. */
status_t sw_spawn_loaded(const struct sw_program *program, const handle_t memory[4],
                         const struct sw_spawn_options *options, handle_t *out_process,
                         uint32_t *out_pid);

/* Waits for the end of a process. TIMED_OUT, INTERRUPTED. The handle stays open. */
status_t sw_process_wait(handle_t process, uint64_t deadline, int32_t *out_status);
