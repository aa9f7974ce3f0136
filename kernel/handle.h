/* Handle tables. A handle is index (low 16 bits) and generation (high 16 bits, 1 to 65535).
 * Index 0 is never used. The table of a process grows by pages of 256 entries. */
#pragma once
#include "object.h"

struct process;

struct handle_entry {
    struct object *object; /* NULL: free */
    uint32_t rights;
    uint16_t generation;
    uint16_t next_free;
};

#define HANDLE_PAGES 64 /* 16384 handles at most */

struct handle_table {
    struct handle_entry *pages[HANDLE_PAGES];
    uint16_t page_count;
    uint16_t first_free; /* 0: none */
    uint32_t used;
    uint32_t reserved; /* promised by handle_reserve */
};

extern uint32_t handle_total;       /* open handles of all processes */
extern uint64_t handle_pages_total; /* pages of all tables */

/* Finds an entry; type 0 takes any. NULL: handle_refusal tells why. */
struct handle_entry *handle_find(struct process *process, uint64_t handle, uint8_t type,
                                 uint32_t rights);
/* BAD_HANDLE, WRONG_TYPE, ACCESS (a right is missing), of a handle that handle_find refuses. */
status_t handle_refusal(struct process *process, uint64_t handle, uint8_t type);
/* Both in one. */
status_t handle_lookup(struct process *process, uint64_t handle, uint8_t type, uint32_t rights,
                       struct handle_entry **out_entry);
/* Installs a new handle to the object (counts a hold). QUOTA, NO_MEMORY. */
status_t handle_install(struct process *process, struct object *object, uint32_t rights,
                        handle_t *out_handle);
/* Makes sure that `count` following handle_install calls cannot fail; handle_unreserve gives the
 * rest back. Pairs within one locked step only. */
status_t handle_reserve(struct process *process, uint32_t count);
void handle_unreserve(struct process *process, uint32_t count);
/* Takes the entry out of the table without dropping its hold: the caller now owns the hold. */
struct object *handle_take(struct process *process, struct handle_entry *entry,
                           uint32_t *out_rights);
/* Closes one entry. */
void handle_close(struct process *process, struct handle_entry *entry);
/* Closes everything, for process teardown; at most `limit` entries a call, true when done. */
bool handle_close_some(struct process *process, uint32_t limit);
