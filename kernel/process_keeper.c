/* Starts the first process, keeper, from the boot bundle (docs/architecture.md has its format).
 *
 * The bundle was made by our own build and is part of the kernel image, so a defect in it is a
 * defect of the build: it ends in a panic that says which. */
#include "device.h"
#include "log.h"
#include "machine.h"
#include "process.h"

#define KEEPER_BASE 0x10000000ull /* the build relocates keeper to it */
#define BUNDLE_VERSION 1
#define KIND_PROGRAM 1
#define BAND_SUPERVISOR 3

struct bundle_header {
    char magic[8]; /* SWBUNDLE */
    uint32_t version, entry_count;
    uint64_t size;
    uint32_t keeper, reserved[9];
};

struct bundle_segment {
    uint32_t page, pages, file_bytes, flags;
};

struct bundle_entry {
    char name[32];
    uint32_t kind, relocation_count;
    uint64_t offset, size, span, entry, relocations;
    uint32_t segment_count, reserved;
    struct bundle_segment segments[4];
    uint8_t hash[32];
    uint64_t zero;
};
_Static_assert(sizeof(struct bundle_header) == 64, "bundle header");
_Static_assert(sizeof(struct bundle_entry) == 192, "bundle entry");

extern const char bundle_start[], bundle_end[];

static const struct bundle_entry *bundle_keeper(void)
{
    const struct bundle_header *header = (const void *)bundle_start;
    size_t size = (size_t)(bundle_end - bundle_start);
    if (size < sizeof *header || memcmp(header->magic, "SWBUNDLE", 8) != 0)
        panic("the kernel image has no boot bundle");
    if (header->version != BUNDLE_VERSION)
        panic("boot bundle version %u, not %u", header->version, BUNDLE_VERSION);
    if (header->size != size || header->keeper >= header->entry_count ||
        header->entry_count > (size - sizeof *header) / sizeof(struct bundle_entry))
        panic("boot bundle header is damaged");
    const struct bundle_entry *entry = (const struct bundle_entry *)(header + 1) + header->keeper;
    if (entry->kind != KIND_PROGRAM || entry->segment_count > ARRAY_COUNT(entry->segments) ||
        entry->offset % PAGE_SIZE || entry->offset > size)
        panic("boot bundle: keeper's entry is damaged");
    return entry;
}

static void program_of(const struct bundle_entry *entry, struct sw_program *out)
{
    *out = (struct sw_program){
        .version = SW_PROGRAM_VERSION,
        .segment_count = entry->segment_count,
        .entry = KEEPER_BASE + entry->entry,
        .base = KEEPER_BASE,
    };
    memcpy(&out->identity, entry->hash, sizeof(out->identity));
    for (uint32_t i = 0; i < entry->segment_count; i++) {
        const struct bundle_segment *from = &entry->segments[i];
        out->segments[i] = (struct sw_segment){
            .address = KEEPER_BASE + (uint64_t)from->page * PAGE_SIZE,
            .size = (uint64_t)from->pages * PAGE_SIZE,
            .offset = entry->offset + (uint64_t)from->page * PAGE_SIZE,
            .file_size = from->file_bytes,
            .flags = from->flags,
            .memory = 0,
        };
    }
}

/* --- the start block: one page, filled from the front --- */

static struct sw_start *block;

static uint32_t block_take(uint32_t size, uint32_t alignment)
{
    uint32_t at = ROUND_UP(block->length, alignment);
    if (at + size > PAGE_SIZE)
        panic("keeper's start block is full");
    block->length = at + size;
    return at;
}

static uint32_t block_text(const char *text)
{
    uint32_t length = (uint32_t)strlen(text) + 1;
    uint32_t at = block_take(length, 1);
    memcpy((char *)block + at, text, length);
    return at;
}

static void block_fill(const char *const *handle_names, uint32_t handle_count)
{
    block->version = SW_START_VERSION;
    block->length = sizeof *block;
    block->guard = random_u64() & ~0xffull; /* a string function stops at its first byte */
    random_bytes(block->seed, sizeof block->seed);

    block->argument_count = 1 + init_argument_count;
    block->arguments =
        block_take(block->argument_count * (uint32_t)sizeof(struct sw_start_string), 8);
    struct sw_start_string *arguments = (void *)((char *)block + block->arguments);
    for (uint32_t i = 0; i < block->argument_count; i++) {
        const char *text = i ? init_arguments[i - 1] : "keeper";
        arguments[i] = (struct sw_start_string){ block_text(text), (uint32_t)strlen(text) };
    }
    block->environment = block->paths = block_take(0, 8);
    block->directory = (struct sw_start_string){ block_text("/"), 1 };

    block->handle_count = handle_count;
    block->handles = block_take(handle_count * (uint32_t)sizeof(struct sw_start_handle), 8);
    struct sw_start_handle *handles = (void *)((char *)block + block->handles);
    for (uint32_t i = 0; i < handle_count; i++)
        handles[i] =
            (struct sw_start_handle){ block_text(handle_names[i]),
                                      (uint32_t)strlen(handle_names[i]), SW_START_HANDLE(i), 0 };
}

void process_start_keeper(void)
{
    static char names[2 + MACHINE_DEVICES][16];
    static struct sent_handle handles[2 + MACHINE_DEVICES];
    const char *name_pointers[ARRAY_COUNT(names)];
    uint32_t count = 0;
    struct sw_program program;
    struct memory *bundle, *start;
    paddr_t page;

    const struct bundle_entry *entry = bundle_keeper();
    program_of(entry, &program);
    if (memory_create_fixed(job_root, arch_image_address(bundle_start),
                            (uint64_t)(bundle_end - bundle_start) / PAGE_SIZE, false,
                            &bundle) != SW_OK ||
        memory_create(job_root, 1, &start) != SW_OK || memory_page(start, 0, true, &page) != SW_OK)
        panic("no memory for keeper");
    bundle->sealed = true;

    memcpy(names[count], "root", 5);
    handles[count++] = (struct sent_handle){ &job_root->object, JOB_RIGHTS | JOB_AUTHORITIES };
    memcpy(names[count], "bundle", 7);
    uint32_t bundle_rights = SW_RIGHT_READ | SW_RIGHT_MAP | SW_RIGHT_EXECUTE | SW_RIGHT_DUPLICATE |
                             SW_RIGHT_TRANSFER | SW_RIGHT_INSPECT;
    handles[count++] = (struct sent_handle){ &bundle->object, bundle_rights };
    for (uint32_t i = 0; i < device_count; i++) {
        format_line(names[count], sizeof names[count], "device/%u", i);
        handles[count++] = (struct sent_handle){ &devices[i]->object, class_device.all_rights };
    }
    for (uint32_t i = 0; i < count; i++) {
        name_pointers[i] = names[i];
        object_hold(handles[i].object);
    }
    block = page_pointer(page);
    block_fill(name_pointers, count);

    struct process_image image = {
        .program = &program,
        .memory = { bundle },
        .memory_rights = { bundle_rights },
        .start = start,
        .handles = handles,
        .handle_count = count,
        .band = BAND_SUPERVISOR,
        .caps = SW_CAP_ALL,
        .name = "keeper",
    };
    struct process *keeper;
    status_t status = process_create_image(job_root, &image, &keeper);
    if (status != SW_OK)
        panic("keeper cannot be started: status %d", status);
    object_put(&keeper->object);
    object_put(&bundle->object);
    object_put(&start->object);
}
