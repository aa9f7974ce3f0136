/* ELF programs of images: checking one and laying it out.
 *
 * The file's own pages serve as they are, shared by all processes; only the pages with
 * relocations are copied and relocated once. So segments must lie in the file as they lie in
 * memory modulo the page, which our linker does. scripts/host/elf.lua refuses the same things.
 * Pure: no system calls, compiled for the host's tests too. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

#define ELF_SEGMENTS 4

/* Which of sw_spawn.memory the segments name. */
enum { ELF_FILE = 0, ELF_RELOCATED = 1 };

struct elf_segment {
    uint64_t address;   /* offset in the image, of its first page */
    uint64_t lead;      /* bytes of that page before the segment */
    uint64_t offset;    /* in the file, of its first page */
    uint64_t file_size; /* from the page's start; 0: all zero */
    uint64_t pages;
    uint64_t run_first, run_end; /* its pages [run_first, run_end) hold relocated words */
    uint32_t flags;              /* SW_SEGMENT_* */
};

struct elf_plan {
    struct elf_segment segments[ELF_SEGMENTS];
    uint32_t segment_count;
    uint32_t relocated_pages; /* sum of the runs */
    uint64_t span, entry, stack_size;
    uint64_t relocations, relocation_count; /* file offset of the table */
};

bool elf_recognize(const uint8_t *file, size_t size);

/* Checks a file completely; BAD_IMAGE when it is anything but a static position-independent
 * AArch64 program with R_AARCH64_RELATIVE relocations. The plan is then good for elf_lay_out with
 * the same bytes. */
status_t elf_check(const uint8_t *file, size_t size, struct elf_plan *out);

/* Lays the program out at a page-aligned base: fills the zeroed `relocated` pages and the program.
 * BAD_IMAGE when it needs more segments than sw_program has. */
status_t elf_lay_out(const uint8_t *file, const struct elf_plan *plan, uint64_t base,
                     uint8_t *relocated, struct sw_program *out);
