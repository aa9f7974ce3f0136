/* ELF programs of images. See elf.h. */
#include <string.h>
#include <swos/layout.h>

#include "elf.h"

#define PAGE ((uint64_t)SW_PAGE)
#define SPAN_MAX (1ull << 30)

enum { ET_DYN = 3, EM_AARCH64 = 183 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_GNU_STACK = 0x6474e551 };
enum { PF_X = 1, PF_W = 2 };
enum {
    DT_NULL = 0,
    DT_NEEDED = 1,
    DT_PLTRELSZ = 2,
    DT_RELA = 7,
    DT_RELASZ = 8,
    DT_RELAENT = 9,
    DT_TEXTREL = 22,
    DT_RELRSZ = 35
};
enum { R_AARCH64_NONE = 0, R_AARCH64_RELATIVE = 1027 };

struct elf_header {
    uint8_t magic[4], class, data, rest[10];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t size, program_size, program_count, section_size, section_count, names;
};
_Static_assert(sizeof(struct elf_header) == 64, "elf_header");

struct elf_program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};
_Static_assert(sizeof(struct elf_program_header) == 56, "elf_program_header");

struct elf_dynamic {
    int64_t tag;
    uint64_t value;
};

struct elf_relocation {
    uint64_t offset, info;
    int64_t addend;
};
_Static_assert(sizeof(struct elf_relocation) == 24, "elf_relocation");

/* Nothing in a file need be aligned: everything is copied out. */
#define COPY_OUT(object, file, offset) memcpy(&(object), (file) + (offset), sizeof(object))

static bool range_fits(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

bool elf_recognize(const uint8_t *file, size_t size)
{
    return size >= sizeof(struct elf_header) && memcmp(file, "\177ELF", 4) == 0;
}

/* The segment whose file part holds [address, address + length), NULL when none does. */
static struct elf_segment *segment_at(struct elf_plan *plan, uint64_t address, uint64_t length)
{
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        struct elf_segment *s = &plan->segments[i];

        if (address >= s->address + s->lead &&
            range_fits(address - s->address, length, s->file_size)) {
            return s;
        }
    }
    return NULL;
}

static status_t add_segment(struct elf_plan *plan, const struct elf_program_header *h)
{
    struct elf_segment *s = &plan->segments[plan->segment_count];
    uint64_t lead = h->address % PAGE;

    if (plan->segment_count == ELF_SEGMENTS || h->address > SPAN_MAX || h->memory_size > SPAN_MAX ||
        h->memory_size < h->file_size || h->address - lead < plan->span ||
        (h->flags & (PF_W | PF_X)) == (PF_W | PF_X) ||
        (h->file_size > 0 && h->offset % PAGE != lead) ||
        (!(h->flags & PF_W) && h->memory_size != h->file_size)) {
        return SW_BAD_IMAGE;
    }
    *s = (struct elf_segment){
        .address = h->address - lead,
        .lead = lead,
        .offset = h->offset - lead,
        .file_size = h->file_size > 0 ? lead + h->file_size : 0,
        .pages = (lead + h->memory_size + PAGE - 1) / PAGE,
        .flags =
            (h->flags & PF_W ? SW_SEGMENT_WRITE : 0) | (h->flags & PF_X ? SW_SEGMENT_EXECUTE : 0),
    };
    plan->span = s->address + s->pages * PAGE;
    plan->segment_count++;
    return SW_OK;
}

/* Finds the relocation table through the dynamic section. */
static status_t read_dynamic(const uint8_t *file, const struct elf_program_header *h,
                             struct elf_plan *plan)
{
    uint64_t table = 0, size = 0, entry_size = sizeof(struct elf_relocation);
    struct elf_segment *segment;

    for (uint64_t at = 0; h->file_size - at >= sizeof(struct elf_dynamic);
         at += sizeof(struct elf_dynamic)) {
        struct elf_dynamic d;

        COPY_OUT(d, file, h->offset + at);
        if (d.tag == DT_NULL) {
            break;
        }
        switch (d.tag) {
        case DT_NEEDED:
        case DT_TEXTREL:
            return SW_BAD_IMAGE;
        case DT_PLTRELSZ:
        case DT_RELRSZ:
            if (d.value != 0) {
                return SW_BAD_IMAGE;
            }
            break;
        case DT_RELA:
            table = d.value;
            break;
        case DT_RELASZ:
            size = d.value;
            break;
        case DT_RELAENT:
            entry_size = d.value;
            break;
        default:
            break;
        }
    }
    if (size == 0) {
        return SW_OK;
    }
    segment = segment_at(plan, table, size);
    if (!segment || entry_size != sizeof(struct elf_relocation) || size % entry_size != 0) {
        return SW_BAD_IMAGE;
    }
    plan->relocations = segment->offset + (table - segment->address);
    plan->relocation_count = size / entry_size;
    return SW_OK;
}

/* Checks every relocation and finds the runs of pages they touch. */
static status_t check_relocations(const uint8_t *file, struct elf_plan *plan)
{
    for (uint64_t i = 0; i < plan->relocation_count; i++) {
        struct elf_relocation r;
        struct elf_segment *s;
        uint64_t page;

        COPY_OUT(r, file, plan->relocations + i * sizeof(r));
        if (r.info == R_AARCH64_NONE) {
            continue;
        }
        s = segment_at(plan, r.offset, sizeof(uint64_t));
        if (r.info != R_AARCH64_RELATIVE || r.offset % sizeof(uint64_t) != 0 || !s ||
            !(s->flags & SW_SEGMENT_WRITE)) {
            return SW_BAD_IMAGE;
        }
        page = (r.offset - s->address) / PAGE;
        if (s->run_end == 0 || page < s->run_first) {
            s->run_first = page;
        }
        if (page + 1 > s->run_end) {
            s->run_end = page + 1;
        }
    }
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        plan->relocated_pages +=
            (uint32_t)(plan->segments[i].run_end - plan->segments[i].run_first);
    }
    return SW_OK;
}

status_t elf_check(const uint8_t *file, size_t size, struct elf_plan *out)
{
    struct elf_program_header dynamic = { 0 };
    struct elf_segment *text;
    struct elf_header header;
    status_t status;

    *out = (struct elf_plan){ 0 };
    if (!elf_recognize(file, size)) {
        return SW_BAD_IMAGE;
    }
    COPY_OUT(header, file, 0);
    if (header.class != 2 || header.data != 1 || header.machine != EM_AARCH64 ||
        header.type != ET_DYN || header.program_size != sizeof(struct elf_program_header) ||
        !range_fits(header.program_offset, (uint64_t)header.program_count * header.program_size,
                    size)) {
        return SW_BAD_IMAGE;
    }
    for (uint32_t i = 0; i < header.program_count; i++) {
        struct elf_program_header h;

        COPY_OUT(h, file, header.program_offset + i * sizeof(h));
        if ((h.type == PT_LOAD || h.type == PT_DYNAMIC) &&
            !range_fits(h.offset, h.file_size, size)) {
            return SW_BAD_IMAGE;
        }
        switch (h.type) {
        case PT_INTERP:
            return SW_BAD_IMAGE;
        case PT_DYNAMIC:
            dynamic = h;
            break;
        case PT_GNU_STACK:
            out->stack_size = h.memory_size;
            break;
        case PT_LOAD:
            if (h.memory_size > 0 && (status = add_segment(out, &h)) != SW_OK) {
                return status;
            }
            break;
        default:
            break;
        }
    }
    out->entry = header.entry;
    text = segment_at(out, header.entry, 4);
    if (!text || !(text->flags & SW_SEGMENT_EXECUTE) || out->stack_size > SPAN_MAX) {
        return SW_BAD_IMAGE;
    }
    if ((status = read_dynamic(file, &dynamic, out)) != SW_OK) {
        return status;
    }
    return check_relocations(file, out);
}

/* Adds pages [first, end) of a segment to the program. */
static status_t add_part(struct sw_program *out, uint64_t base, const struct elf_segment *s,
                         uint64_t first, uint64_t end, uint32_t memory, uint64_t offset)
{
    return sw_layout_add(out, base + s->address, s->flags, s->file_size, first * PAGE, end * PAGE,
                         memory, offset);
}

/* Copies the pages of a segment's run, zero behind the file part, and relocates their words. */
static void fill_run(const uint8_t *file, const struct elf_plan *plan, const struct elf_segment *s,
                     uint64_t base, uint8_t *relocated)
{
    uint64_t start = s->run_first * PAGE, stop = s->run_end * PAGE;
    uint64_t stored = s->file_size < stop ? s->file_size : stop;

    memcpy(relocated, file + s->offset + start, stored - start);
    for (uint64_t i = 0; i < plan->relocation_count; i++) {
        struct elf_relocation r;
        uint64_t value;

        COPY_OUT(r, file, plan->relocations + i * sizeof(r));
        if (r.info != R_AARCH64_RELATIVE || r.offset < s->address + start ||
            r.offset >= s->address + stop) {
            continue;
        }
        value = base + (uint64_t)r.addend;
        memcpy(relocated + (r.offset - s->address - start), &value, sizeof(value));
    }
}

status_t elf_lay_out(const uint8_t *file, const struct elf_plan *plan, uint64_t base,
                     uint8_t *relocated, struct sw_program *out)
{
    uint64_t filled = 0;

    *out = (struct sw_program){ .version = SW_PROGRAM_VERSION,
                                .entry = base + plan->entry,
                                .base = base,
                                .stack_size = plan->stack_size };
    for (uint32_t i = 0; i < plan->segment_count; i++) {
        const struct elf_segment *s = &plan->segments[i];
        status_t status;

        if (s->run_first != s->run_end) {
            fill_run(file, plan, s, base, relocated + filled);
        }
        if ((status = add_part(out, base, s, 0, s->run_first, ELF_FILE, s->offset)) != SW_OK ||
            (status = add_part(out, base, s, s->run_first, s->run_end, ELF_RELOCATED, filled)) !=
                SW_OK ||
            (status = add_part(out, base, s, s->run_end, s->pages, ELF_FILE,
                               s->offset + s->run_end * PAGE)) != SW_OK) {
            return status;
        }
        filled += (s->run_end - s->run_first) * PAGE;
    }
    return SW_OK;
}
