/* The kernel's half of the address space (TTBR1, 39 bits). Also read by assembly and kernel.ld.
 *
 *   DIRECT_BASE + p   all RAM, byte p of physical memory (p below 256 GiB)
 *   KERNEL_VIRTUAL    the kernel image; the 1 GiB from here up has one level 2 table
 *   TREE_VIRTUAL      the device tree, only until arch_boot has read it
 *   FIXED_VIRTUAL     2 MiB of kernel stacks with guard pages, 2 MiB of device registers
 *
 * The emulator's TLB is indexed by address bits 12 to 17, so what is used together differs there:
 * text, constants and data follow each other, and the top page of a stack has the highest number.
 */
#pragma once

#define DIRECT_BASE 0xffffff8000000000
#define KERNEL_VIRTUAL 0xffffffffc0000000
#define TREE_VIRTUAL 0xffffffffd0000000
#define FIXED_VIRTUAL 0xffffffffe0000000

/* Where the ELF file is loaded; an Image may be put at any multiple of 2 MiB. */
#define KERNEL_LOAD 0x40200000

/* Scratch behind the image while booting: pool for page tables and the first stack's pages, the
 * boot's own tables, its stack. What is left over is free RAM afterwards. */
#define EARLY_SIZE 0x20000
#define EARLY_L1 0x1c000
#define EARLY_L2 0x1d000
#define EARLY_STACK 0x20000

/* CPU n's stack is the end of 256 KiB; below it nothing is ever mapped, so that bit 14 of a stack
 * pointer tells an overflow. */
#define STACK_SIZE 0x4000
#define STACK_STRIDE 0x40000

#define BLOCK_SIZE 0x200000
