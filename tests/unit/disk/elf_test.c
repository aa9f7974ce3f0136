/* The ELF check of imgfs: a good program laid out, everything it must refuse, every bit of the
 * headers and tables turned. The file lies in a heap block of its exact size. */
#include "elf.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/layout.h>

struct header {
    uint8_t magic[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t size, program_size, program_count, section_size, section_count, names;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct file {
    struct header header;
    struct program_header programs[6]; /* R, RX, RW, dynamic, stack, spare */
    uint64_t relocations[3][3];
    uint64_t dynamic[5][2];
    uint8_t pad[4096 - 64 - 6 * 56 - 72 - 80];
    uint8_t text[4096];
    uint8_t rodata_end[0x40];
    uint8_t data[0x2100];
};

#define TEXT 0x1000u
#define DATA 0x3040u
#define DATA_OFFSET offsetof(struct file, data)

static struct file *file;

static void make_file(void)
{
    free(file);
    file = calloc(1, sizeof(*file));
    file->header = (struct header){ .magic = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
                                    .type = 3,
                                    .machine = 183,
                                    .entry = TEXT + 4,
                                    .program_offset = offsetof(struct file, programs),
                                    .size = 64,
                                    .program_size = 56,
                                    .program_count = 5 };
    file->programs[0] = (struct program_header){ 1, 4, 0, 0, 0, 4096, 4096, 4096 };
    file->programs[1] = (struct program_header){ 1, 5, 0x1000, TEXT, 0, 4096, 4096, 4096 };
    file->programs[2] =
        (struct program_header){ 1, 6, DATA_OFFSET, DATA, 0, sizeof(file->data), 0x5000, 4096 };
    file->programs[3] = (struct program_header){ 2,
                                                 6,
                                                 offsetof(struct file, dynamic),
                                                 offsetof(struct file, dynamic),
                                                 0,
                                                 sizeof(file->dynamic),
                                                 sizeof(file->dynamic),
                                                 8 };
    file->programs[4] = (struct program_header){ .type = 0x6474e551, .memory_size = 0x20000 };
    memcpy(file->relocations,
           (uint64_t[3][3]){ { DATA, 1027, 0x1004 }, { DATA + 0x18, 1027, 0x2000 }, { 0, 0, 0 } },
           sizeof(file->relocations));
    memcpy(file->dynamic,
           (uint64_t[5][2]){ { 7, offsetof(struct file, relocations) },
                             { 8, sizeof(file->relocations) },
                             { 9, 24 },
                             { 24, 0 },
                             { 0, 0 } },
           sizeof(file->dynamic));
    memset(file->data, 0xda, sizeof(file->data));
}

static status_t check(void)
{
    struct elf_plan plan;

    return elf_check((const uint8_t *)file, sizeof(*file), &plan);
}

static void test_good(void)
{
    struct elf_plan plan;
    struct sw_program program;
    const uint64_t base = 0x1234567000;
    uint8_t *relocated;
    uint64_t word;

    make_file();
    CHECK(elf_recognize((const uint8_t *)file, sizeof(*file)));
    CHECK(!elf_recognize((const uint8_t *)file, 63));
    CHECK(elf_check((const uint8_t *)file, sizeof(*file), &plan) == SW_OK);
    CHECK(plan.segment_count == 3 && plan.relocated_pages == 1 && plan.stack_size == 0x20000);
    CHECK(plan.span == 0x9000 && plan.relocation_count == 3);
    relocated = calloc(plan.relocated_pages, SW_PAGE);
    CHECK(elf_lay_out((const uint8_t *)file, &plan, base, relocated, &program) == SW_OK);
    CHECK(program.segment_count == 4 && program.entry == base + TEXT + 4 && program.base == base);
    CHECK(program.segments[1].flags == SW_SEGMENT_EXECUTE &&
          program.segments[1].memory == ELF_FILE && program.segments[1].offset == 0x1000 &&
          program.segments[1].address == base + 0x1000);
    CHECK(program.segments[2].memory == ELF_RELOCATED && program.segments[2].offset == 0 &&
          program.segments[2].size == SW_PAGE && program.segments[2].file_size == SW_PAGE &&
          program.segments[2].address == base + 0x3000);
    CHECK(program.segments[3].memory == ELF_FILE && program.segments[3].offset == 0x3000 &&
          program.segments[3].address == base + 0x4000 && program.segments[3].size == 0x5000 &&
          program.segments[3].file_size == 0x1140);
    memcpy(&word, relocated + 0x40, 8);
    CHECK(word == base + 0x1004);
    memcpy(&word, relocated + 0x58, 8);
    CHECK(word == base + 0x2000);
    CHECK(relocated[0x48] == 0xda && relocated[0xfff] == 0xda);
    free(relocated);
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        make_file();                                                                               \
        change;                                                                                    \
        tap_ok(check() == SW_BAD_IMAGE, "refused: %s", #change);                                   \
    } while (0)

static void test_refused(void)
{
    REFUSED(file->header.magic[0] = 0);
    REFUSED(file->header.magic[4] = 1);
    REFUSED(file->header.magic[5] = 2);
    REFUSED(file->header.machine = 62);
    REFUSED(file->header.type = 2);
    REFUSED(file->header.program_size = 55);
    REFUSED(file->header.program_offset = UINT64_MAX - 8);
    REFUSED(file->header.program_count = UINT16_MAX);
    REFUSED(file->header.entry = DATA);
    REFUSED(file->header.entry = TEXT + 4093);
    REFUSED(file->header.entry = UINT64_MAX);
    REFUSED(file->programs[4].type = 3);
    REFUSED(file->programs[2].flags = 7);
    REFUSED(file->programs[2].offset = UINT64_MAX - 4095);
    REFUSED(file->programs[2].offset += 8);
    REFUSED(file->programs[2].file_size = UINT64_MAX);
    REFUSED(file->programs[2].memory_size = 16);
    REFUSED(file->programs[2].memory_size = UINT64_MAX);
    REFUSED(file->programs[2].address = 0x1040);
    REFUSED(file->programs[2].address = UINT64_MAX & ~0xfbfull);
    REFUSED(file->programs[1].memory_size += 4096);
    REFUSED(file->programs[3].offset = sizeof(*file) - 8);
    REFUSED(file->programs[4].memory_size = UINT64_MAX);
    REFUSED(file->dynamic[3][0] = 1);
    REFUSED(file->dynamic[3][0] = 22);
    REFUSED((file->dynamic[3][0] = 2, file->dynamic[3][1] = 24));
    REFUSED((file->dynamic[3][0] = 35, file->dynamic[3][1] = 8));
    REFUSED(file->dynamic[0][1] = UINT64_MAX);
    REFUSED(file->dynamic[1][1] = UINT64_MAX);
    REFUSED(file->dynamic[1][1] = 25);
    REFUSED(file->dynamic[2][1] = 16);
    REFUSED(file->relocations[0][0] = TEXT);
    REFUSED(file->relocations[0][0] = DATA + 4);
    REFUSED(file->relocations[0][0] = DATA - 8);
    REFUSED(file->relocations[0][0] = DATA + sizeof(file->data));
    REFUSED(file->relocations[0][0] = UINT64_MAX - 7);
    REFUSED(file->relocations[0][1] = 1026);
    REFUSED(file->relocations[0][1] = 1027 | 1ull << 32);
    make_file();
    CHECK(check() == SW_OK);
}

/* Whatever is accepted can be laid out within its pages. */
static void test_flips(void)
{
    size_t bytes = offsetof(struct file, pad), accepted = 0;

    for (size_t bit = 0; bit < bytes * 8; bit++) {
        struct elf_plan plan;
        struct sw_program program;
        uint8_t *relocated;

        make_file();
        ((uint8_t *)file)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (elf_check((const uint8_t *)file, sizeof(*file), &plan) != SW_OK) {
            continue;
        }
        relocated = calloc(plan.relocated_pages, SW_PAGE);
        if (elf_lay_out((const uint8_t *)file, &plan, 0x100000000, relocated, &program) == SW_OK) {
            for (uint32_t i = 0; i < program.segment_count; i++) {
                const struct sw_segment *s = &program.segments[i];
                uint64_t size = s->memory == ELF_FILE
                                    ? (sizeof(*file) + SW_PAGE - 1) / SW_PAGE * SW_PAGE
                                    : plan.relocated_pages * (uint64_t)SW_PAGE;

                if (s->offset > size || s->file_size > size - s->offset || s->file_size > s->size ||
                    s->offset % SW_PAGE || s->address % SW_PAGE) {
                    tap_ok(0, "segment %u of flip %zu lies in its memory", i, bit);
                }
            }
        }
        free(relocated);
        accepted++;
    }
    tap_ok(accepted > 0, "turned bits: %zu harmless ones accepted", accepted);
    for (size_t size = 0; size < sizeof(*file); size += size < bytes ? 1 : 64) {
        struct elf_plan plan;
        uint8_t *cut;

        make_file();
        cut = malloc(size + 1);
        memcpy(cut, file, size);
        cut = realloc(cut, size > 0 ? size : 1);
        if (elf_check(cut, size, &plan) == SW_OK) {
            tap_ok(0, "accepted when cut to %zu bytes", size);
        }
        free(cut);
    }
    tap_ok(1, "every truncation refused");
}

static void test_base(void)
{
    uint64_t random = 88172645463325252ull;
    int good = 1;

    for (int i = 0; i < 100000; i++) {
        uint64_t span = (random >> 40) % 0x800 * SW_PAGE + SW_PAGE, base;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        base = sw_layout_base(span, random);
        good &= base % SW_PAGE == 0 && base >= 1ull << 32 && base + span <= 1ull << 38 &&
                (base + span - 1) / 0x200000 - base / 0x200000 == (span + 0x1fffff) / 0x200000 - 1;
    }
    CHECK(good);
}

int main(void)
{
    test_good();
    test_refused();
    test_flips();
    test_base();
    free(file);
    return tap_done();
}
