/* Device objects made from the device tree at boot; never made from numbers later. */
#pragma once
#include "memory.h"

struct device_pin {
    struct list link;
    struct memory *memory; /* referenced, pinned */
    struct job *payer;     /* referenced; charged for the record */
    uint32_t generation;   /* of the claim that made it */
};

struct device {
    struct object object;
    struct process *holder; /* the claimant; NULL: free */
    struct list claim_link;
    uint32_t kind, generation, index;
    paddr_t address;
    uint64_t length;
    volatile uint8_t *registers; /* NULL: not reachable */
    uint32_t interrupt;          /* GIC number, 0: none */
    bool interrupt_pending;      /* arrived and masked; until device_ack */
    bool early_console;          /* the kernel prints on it while it is free */
    struct list pins;
    char name[32];
};

extern struct device *devices[64];
extern uint32_t device_count;
void device_init(void);                            /* from the device tree */
void device_process_gone(struct process *process); /* ends its claims: interrupt masked */
