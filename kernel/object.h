/* Kernel objects: the header every handle-able thing starts with.
 *
 * Everything here is guarded by the big lock. `references` keeps the memory alive (one for all
 * handles together, and one for each kernel pointer); `handles` counts handles in tables, kept
 * slots and messages in flight. When handles reaches 0 the type's last_handle hook runs (once;
 * more handles may be made later by code that still holds a reference); when references reaches
 * 0 its destroy hook. Objects are charged to `payer` (bytes of the slab slot) until destroyed; a
 * payer that is destroyed first hands its objects to its parent.
 *
 * Hooks run at the end of the kernel entry that dropped the last handle or reference, before the
 * lock is released, and never inside each other; process clean-up and the sweep of a killed job,
 * which tell of an end, run them before they do. So code that walks a list of objects, bindings or
 * calls may drop references and poke ports: nothing it stands on goes away under it, and a chain of
 * objects of any length is taken down without recursion. */
#pragma once
#include "list.h"
#include "types.h"

struct job;

struct object {
    uint8_t type; /* SW_TYPE_* */
    uint8_t flags;
    uint16_t reserved;
    uint32_t references;
    uint32_t handles;
    uint32_t size;          /* bytes charged */
    uint64_t id;            /* never reused */
    struct job *payer;      /* not a reference: moves to the parent when the job goes */
    struct list bindings;   /* struct binding: ports told of changes */
    struct list payer_link; /* job->paid */
    struct list reap_link;  /* waits for its hooks */
};

struct object_class {
    const char *name;
    uint32_t size;
    void (*last_handle)(struct object *object);
    /* Long destruction in slices: called until it says true, then destroy. NULL: none needed. */
    bool (*destroy_some)(struct object *object);
    void (*destroy)(struct object *object); /* releases what it holds; memory is freed after */
    uint64_t (*level)(
        struct object *object); /* pending bits now, for level-triggered bindings; NULL: none */
    uint32_t all_rights;        /* rights a fresh handle has */
};

extern const struct object_class class_process, class_thread, class_job, class_channel,
    class_connection, class_call, class_port, class_event, class_memory, class_pipe, class_device;
extern const struct object_class *const object_classes[16]; /* by type; table in object.c names the
    class_<type> constants that each obj_*.c defines */

/* Allocates a zeroed object of the class charged to payer. QUOTA or NO_MEMORY. references = 1. */
status_t object_create(uint8_t type, struct job *payer, void **out_object);
void object_get(struct object *object);
void object_put(struct object *object);
/* A handle came or went. object_unhold may destroy the object. */
void object_hold(struct object *object);
void object_unhold(struct object *object);

extern uint32_t object_counts[16]; /* live objects by type */

/* Hooks that are due. Held from each kernel entry on, and while one runs; outside (boot, unit
 * tests) they run at once. */
extern struct list object_hooks;
extern bool object_hooks_held;
void object_hooks_run(void); /* all that are due, and what becomes due by them */
static inline void object_hooks_hold(void)
{
    object_hooks_held = true;
}
static inline void object_hooks_release(void)
{
    if (!list_empty(&object_hooks))
        object_hooks_run();
    object_hooks_held = false;
}

/* Destructions that wait for further slices: object_work does one, true if more are left. */
extern struct list object_slow;
static inline bool object_work_pending(void)
{
    return !list_empty(&object_slow);
}
bool object_work(void);

/* Fixed-size allocator behind objects and other kernel records: slabs of pages, no charging. Who
 * pays says whether the page reserve may be touched (job_may_take). */
struct slab {
    const char *name;
    uint32_t size;       /* of the record; the rest may start as zero */
    struct list partial; /* pages with free slots */
    uint32_t pages, used;
};
/* Zeroed; NULL when out of memory, or at the reserve for this payer (NULL: the kernel itself). */
void *slab_allocate(struct slab *slab, const struct job *payer);
void slab_free(struct slab *slab, void *slot);
uint32_t slab_slot_size(const struct slab *slab); /* bytes a slot takes: what is charged */
extern uint64_t slab_pages_total;                 /* pages of all slabs */
extern uint64_t slab_used_total;                  /* bytes of all slots in use */
