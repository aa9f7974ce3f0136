/* keeper's reading of a boot bundle and laying out of its programs. */
#include "bundle.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/layout.h>

/* A bundle of one program: a page of text, three of data (file part 0x1810) of which the middle
 * one is relocated. */
struct bundle {
    struct bundle_header header;
    struct bundle_entry entry;
    uint32_t relocations[4];
    uint8_t pad[4096 - 64 - 192 - 16];
    uint8_t image[4096 + 0x2010];
};

static struct bundle *bundle;

static void make_bundle(void)
{
    free(bundle);
    bundle = calloc(1, sizeof(*bundle));
    memcpy(bundle->header.magic, BUNDLE_MAGIC, 8);
    bundle->header.version = BUNDLE_VERSION;
    bundle->header.entry_count = 1;
    bundle->header.size = sizeof(*bundle);
    bundle->entry = (struct bundle_entry){
        .name = "lua",
        .kind = BUNDLE_PROGRAM,
        .relocation_count = 2,
        .offset = 4096,
        .size = sizeof(bundle->image),
        .span = 4 * 4096,
        .entry = 16,
        .relocations = offsetof(struct bundle, relocations),
        .segment_count = 2,
        .segments = { { 0, 1, 4096, SW_SEGMENT_EXECUTE }, { 1, 5, 0x2010, SW_SEGMENT_WRITE } },
    };
    bundle->relocations[0] = 0x2008;
    bundle->relocations[1] = 0x2ff8;
    bundle->image[0x2008] = 0x34;
}

static void test_layout(void)
{
    uint8_t relocated[SW_PAGE];
    struct sw_program program;
    uint32_t count;
    uint64_t word;

    make_bundle();
    CHECK(bundle_entries(bundle, sizeof(*bundle), &count) == &bundle->entry && count == 1);
    CHECK(layout_relocated_pages(bundle, &bundle->entry) == 1);
    CHECK(layout_program(bundle, &bundle->entry, 0x500000000, relocated, 0x7000, &program) ==
          SW_OK);
    CHECK(program.entry == 0x500000010 && program.segment_count == 4);
    CHECK(program.segments[0].memory == LAYOUT_BUNDLE && program.segments[0].offset == 4096);
    CHECK(program.segments[1].memory == LAYOUT_BUNDLE && program.segments[1].offset == 2 * 4096 &&
          program.segments[1].size == 4096 && program.segments[1].file_size == 4096);
    CHECK(program.segments[2].memory == LAYOUT_RELOCATED && program.segments[2].offset == 0x7000 &&
          program.segments[2].address == 0x500002000 && program.segments[2].file_size == 4096);
    CHECK(program.segments[3].memory == LAYOUT_BUNDLE && program.segments[3].offset == 4 * 4096 &&
          program.segments[3].size == 3 * 4096 && program.segments[3].file_size == 0x10);
    memcpy(&word, relocated + 8, 8);
    CHECK(word == 0x500000034);
    memcpy(&word, relocated + 0xff8, 8);
    CHECK(word == 0x500000000);
}

static void test_refused(void)
{
    uint8_t relocated[SW_PAGE];
    struct sw_program program;
    uint32_t count;

    make_bundle();
    CHECK(!bundle_entries(bundle, 63, &count));
    CHECK(!bundle_entries(bundle, sizeof(*bundle) - 1, &count));
    bundle->header.version++;
    CHECK(!bundle_entries(bundle, sizeof(*bundle), &count));
    make_bundle();
    bundle->header.entry_count = UINT32_MAX;
    CHECK(!bundle_entries(bundle, sizeof(*bundle), &count));
    make_bundle();
    bundle->entry.segments[1].flags = 0; /* a relocated word in what is shared */
    CHECK(layout_program(bundle, &bundle->entry, 0, relocated, 0, &program) == SW_BAD_IMAGE);
    make_bundle();
    bundle->entry.relocation_count = 0;
    CHECK(layout_relocated_pages(bundle, &bundle->entry) == 0);
    CHECK(layout_program(bundle, &bundle->entry, 0, NULL, 0, &program) == SW_OK &&
          program.segment_count == 2 && program.segments[1].file_size == 0x2010);
}

int main(void)
{
    test_layout();
    test_refused();
    CHECK(sw_layout_base(4096, 0) == 1ull << 32);
    CHECK(sw_layout_base(0x200000, UINT64_MAX) % 0x200000 == 0);
    CHECK(sw_layout_base(0x400000, UINT64_MAX) + 0x400000 <= 1ull << 38);
    free(bundle);
    return tap_done();
}
