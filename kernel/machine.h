/* What the kernel learns from the device tree. Read once at boot; the tree is not kept. */
#pragma once
#include "types.h"

struct memory_range {
    paddr_t start, end;
};

struct machine_device {
    char name[32];
    uint32_t kind;      /* SW_DEVICE_* */
    uint32_t interrupt; /* GIC number, 0: none */
    bool edge;          /* the interrupt is edge-triggered */
    paddr_t address;
    uint64_t length;
};

#define MACHINE_RANGES 16
#define MACHINE_DEVICES 64

struct machine {
    struct memory_range ram[MACHINE_RANGES];
    /* Parts of RAM that firmware keeps; the kernel adds its image and the crash ring. */
    struct memory_range reserved[MACHINE_RANGES + 2];
    uint32_t ram_count, reserved_count;
    uint64_t cpu_ids[CPU_MAX]; /* MPIDR affinities; the boot CPU is one of them */
    uint32_t cpu_count;
    bool psci_hvc, psci_smc; /* neither: one CPU, no power control */
    paddr_t gic_distributor, gic_cpu;
    uint32_t timer_interrupt; /* of the virtual timer */
    paddr_t uart;             /* the early console */
    char arguments[1024];     /* kernel command line */
    uint8_t seed[64];
    uint32_t seed_length;
    struct machine_device devices[MACHINE_DEVICES]; /* in the order of the tree */
    uint32_t device_count;
};

extern struct machine machine;

/* Fills *out_machine and blanks the seeds in the tree. NULL, or what is missing. */
const char *machine_read(void *tree, struct machine *out_machine);
