/* The arch's part that is worth inlining. A host test gives its own file of this name. */
#pragma once
#include "arch_layout.h"
#include "types.h"

struct cpu;

/* RAM through the direct map. */
static inline void *page_pointer(paddr_t address)
{
    return (void *)(DIRECT_BASE + address);
}

static inline paddr_t page_address(const void *pointer)
{
    return (uintptr_t)pointer - DIRECT_BASE;
}

/* Never changes while a CPU runs, so the compiler may keep the value. */
static inline struct cpu *cpu_this(void)
{
    struct cpu *cpu;
    __asm__("mrs %0, tpidr_el1" : "=r"(cpu));
    return cpu;
}

static inline uint64_t arch_table_entry(paddr_t table)
{
    return table | 3;
}

static inline paddr_t arch_pte_page(uint64_t entry)
{
    return entry & 0x0000fffffffff000ull;
}

/* Pairs with the address dependency of walks, and of accesses through what they find, on other CPUs:
 * who sees a table entry that is written later sees what was written to its page before. */
static inline void arch_page_filled(void)
{
    __asm__ volatile("dmb ishst" ::: "memory");
}

/* The aligned word at an address of the active user space, as user mode may read it; false: not
 * there, or not to be read. */
static inline bool arch_load_user(vaddr_t address, uint32_t *out_value)
{
    __asm__ goto("1:\tldtr %w0, [%1]\n\t"
                 ".pushsection .fixups, \"a\"\n\t"
                 ".balign 4\n\t"
                 ".long 1b - ., %l[refused] - .\n\t"
                 ".popsection"
                 : "=r"(*out_value)
                 : "r"(address)
                 : "memory"
                 : refused);
    return true;
refused:
    return false;
}

extern uint64_t counter_to_ns; /* 32.32 factor */

static inline uint64_t arch_now(void)
{
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return (uint64_t)(((unsigned __int128)count * counter_to_ns) >> 32);
}
