/* The interrupt controller, GICv2 (IHI 0048B). All device interrupts go to the boot CPU. */
#include "arch.h"
#include "arch_registers.h"
#include "machine.h"
#include "process.h"

#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_IGROUPR 0x080
#define GICD_ISENABLER 0x100
#define GICD_ICENABLER 0x180
#define GICD_ICPENDR 0x280
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR 0x800
#define GICD_ICFGR 0xc00
#define GICD_SGIR 0xf00
#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10

#define KICK 0 /* the software interrupt of arch_kick */
#define PRIORITY 0xa0a0a0a0u

static volatile uint8_t *distributor, *interface;
static uint8_t targets[CPU_MAX]; /* the interface's bit of each CPU */

static uint32_t read(volatile uint8_t *base, uint32_t offset)
{
    return *(volatile uint32_t *)(base + offset);
}

static void write(volatile uint8_t *base, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(base + offset) = value;
}

void gic_init(void)
{
    distributor = arch_device_map(machine.gic_distributor, 0x1000);
    interface = arch_device_map(machine.gic_cpu, 0x1000);
    uint32_t lines = ((read(distributor, GICD_TYPER) & 31) + 1) * 32;
    write(distributor, GICD_CTLR, 0);
    for (uint32_t i = 32; i < lines; i += 32) {
        write(distributor, GICD_ICENABLER + i / 8, ~0u);
        write(distributor, GICD_ICPENDR + i / 8, ~0u);
    }
    for (uint32_t i = 32; i < lines; i += 4)
        write(distributor, GICD_IPRIORITYR + i, PRIORITY);
    write(distributor, GICD_CTLR, 1);
}

/* The banked part of the distributor and the CPU's own interface. */
void gic_cpu_init(uint32_t number)
{
    targets[number] = (uint8_t)read(distributor, GICD_ITARGETSR);
    if (targets[number] == 0) /* one CPU only: the register reads as zero */
        targets[number] = 1;
    write(distributor, GICD_ICENABLER, ~0u);
    for (uint32_t i = 0; i < 32; i += 4)
        write(distributor, GICD_IPRIORITYR + i, PRIORITY);
    write(distributor, GICD_ISENABLER, 1u << KICK | 1u << machine.timer_interrupt);
    write(interface, GICC_PMR, 0xff);
    write(interface, GICC_CTLR, 1);
}

void arch_interrupt_configure(uint32_t number, bool edge)
{
    if (number < 32)
        return;
    arch_interrupt_mask(number);
    distributor[GICD_ITARGETSR + number] = targets[0];
    uint32_t at = GICD_ICFGR + number / 16 * 4, bit = 2u << number % 16 * 2;
    uint32_t value = read(distributor, at);
    write(distributor, at, edge ? value | bit : value & ~bit);
}

void arch_interrupt_mask(uint32_t number)
{
    write(distributor, GICD_ICENABLER + number / 32 * 4, 1u << number % 32);
}

void arch_interrupt_unmask(uint32_t number)
{
    write(distributor, GICD_ISENABLER + number / 32 * 4, 1u << number % 32);
}

bool arch_interrupt_is_masked(uint32_t number)
{
    return !(read(distributor, GICD_ISENABLER + number / 32 * 4) & 1u << number % 32);
}

/* The barrier makes what was written before the kick visible to those kicked. */
void arch_kick(uint32_t cpu_mask)
{
    uint32_t list = 0;
    for (uint32_t i = 0; i < CPU_MAX; i++)
        if (cpu_mask & 1u << i)
            list |= targets[i];
    __asm__ volatile("dsb ishst" ::: "memory");
    debug_pause();
    if (list)
        write(distributor, GICD_SGIR, list << 16 | KICK);
}

/* One interrupt: another that is pending is taken as soon as we return or wait again. To ask for it here
 * would be one more access to the controller for each, which costs more than the rare second entry. */
void arch_interrupt_dispatch(void)
{
    uint32_t acknowledged = read(interface, GICC_IAR), number = acknowledged & 1023;

    if (number >= 1020)
        return;
    if (number == machine.timer_interrupt)
        timer_interrupt();
    else if (number >= 32)
        arch_interrupt_mask(number);
    else
        cpu_this()->resched = true; /* kicked */
    write(interface, GICC_EOIR, acknowledged);
    if (number >= 32)
        device_interrupt(number);
}
