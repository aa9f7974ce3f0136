/* Kernel objects: the header every handle-able thing starts with.
 *
 * Everything here is guarded by the big lock. `references` keeps the memory alive (one for all
 * handles together, and one for each kernel pointer); `handles` counts handles in tables, kept
 * slots and messages in flight. When handles reaches 0 the type's last_handle hook runs (once;
 * more handles may be made later by code that still holds a reference); when references reaches
 * 0 its destroy hook. Objects are charged to `payer` (bytes of the slab slot) until destroyed. */
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
    uint32_t size; /* bytes charged */
    uint64_t id;   /* never reused */
    struct job *payer;    /* holds a reference on it */
    struct list bindings; /* struct binding: ports told of changes */
};

struct object_class {
    const char *name;
    uint32_t size;
    void (*last_handle)(struct object *object);
    void (*destroy)(struct object *object); /* releases what it holds; memory is freed after */
    uint64_t (*level)(struct object *object); /* pending bits now, for level-triggered bindings; NULL: none */
    uint32_t all_rights; /* rights a fresh handle has */
};

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

/* Fixed-size allocator behind objects and other kernel records: slabs of pages, no charging. */
struct slab {
    const char *name;
    uint32_t size;
    struct list partial; /* pages with free slots */
    uint32_t pages, used;
};
void *slab_allocate(struct slab *slab); /* zeroed; NULL when out of memory */
void slab_free(struct slab *slab, void *slot);
