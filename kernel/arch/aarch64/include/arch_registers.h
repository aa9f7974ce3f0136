/* System registers by name. */
#pragma once
#include "types.h"

#define register_read(name)                                                                        \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("mrs %0, " #name : "=r"(value_));                                         \
        value_;                                                                                    \
    })
#define register_write(name, value)                                                                \
    __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define barrier_instruction() __asm__ volatile("isb" ::: "memory")

/* A field of an ID register. */
static inline uint32_t register_field(uint64_t value, uint32_t shift)
{
    return (uint32_t)(value >> shift) & 15;
}

/* Between the arch's own files. */
void cpu_registers_init(void); /* cpu.c: of this CPU, on the final tables */
void gic_init(void);           /* gic.c: the distributor, once */
void gic_cpu_init(uint32_t number);
void timer_cpu_init(void); /* counter.c */
void counter_start(void);  /* the moment ticks count from */
void counter_init(void);
void timer_interrupt(void);
void early_console_init(void); /* uart.c */
/* For boot.S to start other CPUs with: TTBR1_EL1, SCTLR_EL1. */
extern struct boot_parameters {
    uint64_t table, control;
} boot_parameters;
void mmu_stack_map(uint32_t cpu);
