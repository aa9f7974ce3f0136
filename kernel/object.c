/* Slabs, and the life of kernel objects.
 *
 * A slab page starts with a header and is cut into equal slots; free slots are linked by index. A
 * page whose last slot is freed goes back at once, so memory in use depends on what lives only.
 *
 * Hooks of dying objects run from one queue at the end of a kernel entry: see object.h. An object
 * is in that queue while REAP_QUEUED; it may be picked up again (a new handle or reference) before
 * its turn, so the counts are looked at once more then. Big lock. */
#include "device.h"
#include "ipc.h"
#include "job.h"
#include "memory.h"
#include "process.h"

#define FLAG_REAP_QUEUED 1 /* in object_hooks */
#define FLAG_UNHELD 2      /* last handle went: the reference of the handles is still counted */
#define FLAG_SLOW 4        /* in object_slow: being destroyed in slices */

/* --- slabs ----------------------------------------------------------------------------------- */

struct slab_page {
    struct list link;
    uint16_t used, first_free; /* first_free: slot index + 1, 0: none */
    uint32_t size;
};

#define SLAB_FIRST ROUND_UP(sizeof(struct slab_page), 16)

#ifdef __SANITIZE_ADDRESS__ /* unit tests: uses of a free slot are found */
#include <sanitizer/asan_interface.h>
#define SLOT_HIDE(slot, size) ASAN_POISON_MEMORY_REGION((char *)(slot) + 8, (size)-8)
#define SLOT_SHOW(slot, size) ASAN_UNPOISON_MEMORY_REGION(slot, size)
#else
#define SLOT_HIDE(slot, size) (void)0
#define SLOT_SHOW(slot, size) (void)0
#endif

uint64_t slab_pages_total, slab_used_total;

uint32_t slab_slot_size(const struct slab *slab)
{
    return ROUND_UP(slab->size, 16);
}

static uint16_t *slot_at(struct slab_page *page, uint32_t index)
{
    return (uint16_t *)((char *)page + SLAB_FIRST + (size_t)index * page->size);
}

void *slab_allocate(struct slab *slab, const struct job *payer)
{
    if (!job_may_take(payer))
        return NULL;
    if (!slab->partial.next)
        list_init(&slab->partial);
    struct slab_page *page;
    if (list_empty(&slab->partial)) {
        paddr_t address = page_allocate();
        if (!address)
            return NULL;
        page = page_pointer(address);
        page->used = 0;
        page->size = slab_slot_size(slab);
        uint32_t count = (PAGE_SIZE - SLAB_FIRST) / page->size;
        ASSERT(count > 0);
        for (uint32_t i = 0; i < count; i++)
            *slot_at(page, i) = (uint16_t)(i + 1 < count ? i + 2 : 0);
        page->first_free = 1;
        list_add_head(&slab->partial, &page->link);
        slab->pages++;
        slab_pages_total++;
    } else {
        page = list_first(&slab->partial, struct slab_page, link);
    }
    uint16_t *slot = slot_at(page, page->first_free - 1u);
    page->first_free = *slot;
    page->used++;
    slab->used++;
    slab_used_total += page->size;
    if (!page->first_free)
        list_remove(&page->link);
    SLOT_SHOW(slot, page->size);
    return memset(slot, 0, page->size);
}

void slab_free(struct slab *slab, void *slot)
{
    struct slab_page *page = (struct slab_page *)((uintptr_t)slot & ~(uintptr_t)(PAGE_SIZE - 1));
    if (!page->first_free)
        list_add_head(&slab->partial, &page->link);
    *(uint16_t *)slot = page->first_free;
    SLOT_HIDE(slot, page->size);
    page->first_free = (uint16_t)(((char *)slot - (char *)page - SLAB_FIRST) / page->size + 1);
    slab->used--;
    slab_used_total -= page->size;
    if (--page->used == 0) {
        list_remove(&page->link);
        slab->pages--;
        slab_pages_total--;
        page_free(page_address(page));
    }
}

/* --- objects --------------------------------------------------------------------------------- */

const struct object_class *const object_classes[16] = {
    [SW_TYPE_PROCESS] = &class_process,
    [SW_TYPE_THREAD] = &class_thread,
    [SW_TYPE_JOB] = &class_job,
    [SW_TYPE_CHANNEL] = &class_channel,
    [SW_TYPE_CONNECTION] = &class_connection,
    [SW_TYPE_CALL] = &class_call,
    [SW_TYPE_PORT] = &class_port,
    [SW_TYPE_EVENT] = &class_event,
    [SW_TYPE_MEMORY] = &class_memory,
    [SW_TYPE_PIPE] = &class_pipe,
    [SW_TYPE_DEVICE] = &class_device,
};

uint32_t object_counts[16];

/* Where the struct object lies in a class's record: a thread's registers come first, its own. */
static size_t object_offset(uint8_t type)
{
    return type == SW_TYPE_THREAD ? offsetof(struct thread, object) : 0;
}

static struct slab object_slabs[16];
static uint64_t object_last_id;
struct list object_hooks = LIST_INIT(object_hooks);
bool object_hooks_held;
struct list object_slow = LIST_INIT(object_slow);

status_t object_create(uint8_t type, struct job *payer, void **out_object)
{
    const struct object_class *class = object_classes[type];
    struct slab *slab = &object_slabs[type];
    slab->name = class->name;
    slab->size = class->size;
    uint32_t size = slab_slot_size(slab);
    if (payer) {
        status_t status = job_charge(payer, CHARGE_MEMORY, size);
        if (status != SW_OK)
            return status;
    }
    char *record = slab_allocate(slab, payer);
    if (!record) {
        if (payer)
            job_uncharge(payer, CHARGE_MEMORY, size);
        return SW_NO_MEMORY;
    }
    struct object *object = (struct object *)(record + object_offset(type));
    object->type = type;
    object->references = 1;
    object->size = size;
    object->id = ++object_last_id;
    object->payer = payer;
    list_init(&object->bindings);
    list_init(&object->payer_link);
    list_init(&object->reap_link);
    if (payer)
        list_add_tail(&payer->paid, &object->payer_link);
    object_counts[type]++;
    *out_object = record;
    return SW_OK;
}

static void object_destroy(struct object *object)
{
    const struct object_class *class = object_classes[object->type];
    bindings_drop_object(object);
    if (class->destroy)
        class->destroy(object);
    ASSERT(object->references == 0 && object->handles == 0);
    if (object->payer) {
        list_remove(&object->payer_link);
        job_uncharge(object->payer, CHARGE_MEMORY, object->size);
    }
    uint8_t type = object->type;
    object_counts[type]--;
    slab_free(&object_slabs[type], (char *)object - object_offset(type));
}

/* An object whose turn in the queue has come. */
static void object_reap(struct object *object)
{
    const struct object_class *class = object_classes[object->type];
    object->flags &= (uint8_t)~FLAG_REAP_QUEUED;
    if (object->flags & FLAG_UNHELD) {
        object->flags &= (uint8_t)~FLAG_UNHELD;
        if (object->handles == 0 && class->last_handle)
            class->last_handle(object);
        object->references--;
    }
    if (object->references || (object->flags & FLAG_REAP_QUEUED))
        return;
    if (class->destroy_some && !class->destroy_some(object)) {
        object->flags |= FLAG_SLOW;
        list_add_tail(&object_slow, &object->reap_link);
        if (object->payer)
            job_live_add(object->payer); /* its EXITED comes after the last page */
        cpu_this()->resched = true;
        return;
    }
    object_destroy(object);
}

static void reap(struct object *object)
{
    if (!(object->flags & (FLAG_REAP_QUEUED | FLAG_SLOW))) {
        object->flags |= FLAG_REAP_QUEUED;
        list_add_tail(&object_hooks, &object->reap_link);
    }
    if (object_hooks_held)
        return;
    object_hooks_hold();
    object_hooks_release();
}

void object_hooks_run(void)
{
    while (!list_empty(&object_hooks)) {
        struct object *next = list_first(&object_hooks, struct object, reap_link);
        list_remove(&next->reap_link);
        object_reap(next);
    }
}

void object_get(struct object *object)
{
    object->references++;
}

void object_put(struct object *object)
{
    ASSERT(object->references > 0);
    if (--object->references == 0)
        reap(object);
}

void object_hold(struct object *object)
{
    if (object->handles++ == 0)
        object->references++;
}

void object_unhold(struct object *object)
{
    ASSERT(object->handles > 0);
    if (--object->handles)
        return;
    if (object->flags & FLAG_UNHELD) { /* dropped, held and dropped again before its turn came */
        object->references--;
        return;
    }
    object->flags |= FLAG_UNHELD;
    reap(object);
}

bool object_work(void)
{
    if (list_empty(&object_slow))
        return false;
    struct object *object = list_first(&object_slow, struct object, reap_link);
    list_remove(&object->reap_link);
    if (!object_classes[object->type]->destroy_some(object)) {
        list_add_tail(&object_slow, &object->reap_link);
        return true;
    }
    struct job *payer = object->payer;
    if (payer)
        object_get(&payer->object);
    object_destroy(object);
    if (payer) {
        job_live_drop(payer);
        object_put(&payer->object);
    }
    return !list_empty(&object_slow);
}
