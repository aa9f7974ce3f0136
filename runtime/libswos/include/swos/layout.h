/* Where the pages of a program come to lie: what keeper does with the bundle's programs and imgfs
 * with files. Pure: compiled for the host's tests too. */
#pragma once
#include <swos/abi.h>

/* A base for an image of `span` bytes made from 64 bits a program cannot guess: page-aligned,
 * within as few 2 MiB regions as possible so that it needs few page tables, 4 GiB or higher and
 * below 2^38. */
uint64_t sw_layout_base(uint64_t span, uint64_t random);

/* Adds [start, end) of a segment, in bytes from the segment's beginning, to a program. The segment
 * lies at `address` with `flags` (SW_SEGMENT_*); its first file_size bytes come from a file, zeros
 * follow. What of the part comes from the file is at `offset` of sw_spawn.memory[memory]. An empty
 * part adds nothing. BAD_IMAGE: the program has no segment left. */
status_t sw_layout_add(struct sw_program *program, uint64_t address, uint32_t flags,
                       uint64_t file_size, uint64_t start, uint64_t end, uint32_t memory,
                       uint64_t offset);
