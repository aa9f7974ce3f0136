/* What a host test of kernel code supplies itself in place of the inlined part of the arch. */
#pragma once
#include "types.h"

struct cpu;

void *page_pointer(paddr_t address);
paddr_t page_address(const void *pointer);
struct cpu *cpu_this(void);
uint64_t arch_table_entry(paddr_t table);
paddr_t arch_pte_page(uint64_t entry);
void arch_page_filled(void);
uint64_t arch_now(void);
bool arch_load_user(vaddr_t address, uint32_t *out_value);
