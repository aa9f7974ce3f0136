/* The boot bundle as it lies in memory, and laying out its programs.
 *
 * docs/architecture.md describes the bytes; scripts/host/mkbundle.lua writes them. The bundle is
 * part of the kernel image, so its content is trusted; the checks here catch a bundle of another
 * version, not an attacker. Pure: no system calls, compiled for the host's tests too. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

#define BUNDLE_MAGIC "SWBUNDLE"
#define BUNDLE_VERSION 1
#define BUNDLE_SEGMENTS 4
#define PROGRAMS_MAGIC "SWPROGRM"
#define PROGRAMS_VERSION 1

enum { BUNDLE_PROGRAM = 1, BUNDLE_FILE = 2 };

/* Which of sw_spawn.memory the segments of a bundle program name. */
enum { LAYOUT_BUNDLE = 0, LAYOUT_RELOCATED = 1 };

struct bundle_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t entry_count;
    uint64_t size;   /* of the whole bundle, a multiple of the page */
    uint32_t keeper; /* index of its entry */
    uint32_t reserved;
    uint8_t padding[32];
};
_Static_assert(sizeof(struct bundle_header) == 64, "bundle_header");

struct bundle_segment {
    uint32_t page; /* image offset / SW_PAGE */
    uint32_t pages;
    uint32_t file_size; /* from the start of the page */
    uint32_t flags;     /* SW_SEGMENT_* */
};
_Static_assert(sizeof(struct bundle_segment) == 16, "bundle_segment");

struct bundle_entry {
    char name[32];
    uint32_t kind;
    uint32_t relocation_count;
    uint64_t offset;
    uint64_t size;
    uint64_t span;
    uint64_t entry;
    uint64_t relocations; /* offset of uint32_t[relocation_count], ascending image offsets */
    uint32_t segment_count;
    uint32_t reserved;
    struct bundle_segment segments[BUNDLE_SEGMENTS];
    uint8_t hash[32];
    uint64_t stack_size;
};
_Static_assert(sizeof(struct bundle_entry) == 192, "bundle_entry");

/* The table init gets as `programs`: a header, then one entry a program. */
struct programs_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t entry_count;
};
_Static_assert(sizeof(struct programs_header) == 16, "programs_header");

struct programs_entry {
    char name[32];
    uint8_t hash[32];
    struct sw_program program;
};
_Static_assert(sizeof(struct programs_entry) == 344, "programs_entry");

/* The bundle's entries, NULL when the bundle is not of this version or not whole. */
const struct bundle_entry *bundle_entries(const void *bundle, size_t size, uint32_t *out_count);

/* Pages of `relocated` memory a program needs: of each writable segment those from the first to
 * the last that holds a relocated word. */
uint32_t layout_relocated_pages(const void *bundle, const struct bundle_entry *entry);

/* Lays a program out at `base`. Copies and relocates its pages to `relocated`, which is where
 * offset `relocated_offset` of that memory object is mapped; SW_BAD_IMAGE changes nothing that
 * counts. */
status_t layout_program(const void *bundle, const struct bundle_entry *entry, uint64_t base,
                        uint8_t *relocated, uint64_t relocated_offset, struct sw_program *out);
