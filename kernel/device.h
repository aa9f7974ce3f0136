/* Device objects made from the device tree at boot; never made from numbers later. */
#pragma once
#include "memory.h"

struct device_pin {
    struct list link;
    struct memory *memory; /* referenced, pinned */
    uint32_t generation;
};

struct device {
    struct object object;
    struct process *holder; /* the claimant; NULL: free */
    struct list claim_link;
    uint32_t kind, generation, index;
    paddr_t address;
    uint64_t length;
    uint32_t interrupt; /* GIC number, 0: none */
    bool interrupt_pending, early_console;
    struct list pins;
    char name[32];
};

extern struct device *devices[64];
extern uint32_t device_count;
void device_init(void);                        /* from the device tree */
void device_process_gone(struct process *process); /* ends its claims: interrupt masked */
