/* Page tables of the kernel half, leaf entries of the user half, TLB and cache maintenance.
 *
 * The kernel half is built once, before there is a page allocator, from the scratch behind the
 * image; later only the level 3 table of the fixed part changes (stacks, device registers), from
 * absent to present. Nothing is both writable and executable, also not by its alias in the direct
 * map: the image's read-only pages are read-only there too. */
#include "arch.h"
#include "arch_layout.h"
#include "arch_registers.h"
#include "log.h"
#include "machine.h"
#include "process.h"

#define VALID_BLOCK 1ull
#define VALID_TABLE 3ull
#define VALID_PAGE 3ull
#define ATTRIBUTES_DEVICE (1ull << 2)
#define USER (1ull << 6)
#define READ_ONLY (1ull << 7)
#define INNER_SHAREABLE (3ull << 8)
#define ACCESSED (1ull << 10)
#define NOT_GLOBAL (1ull << 11)
#define PXN (1ull << 53)
#define UXN (1ull << 54)
#define ADDRESS_MASK 0x0000fffffffff000ull

#define KERNEL_TEXT (INNER_SHAREABLE | ACCESSED | READ_ONLY | UXN)
#define KERNEL_CONSTANT (INNER_SHAREABLE | ACCESSED | READ_ONLY | UXN | PXN)
#define KERNEL_DATA (INNER_SHAREABLE | ACCESSED | UXN | PXN)
#define KERNEL_DEVICE (ATTRIBUTES_DEVICE | ACCESSED | UXN | PXN)

#define SCTLR_BASE 0x30d00800ull /* RES1 and SPAN */
#define SCTLR_M (1ull << 0)
#define SCTLR_C (1ull << 2)
#define SCTLR_SA (1ull << 3)
#define SCTLR_SA0 (1ull << 4)
#define SCTLR_I (1ull << 12)
#define SCTLR_DZE (1ull << 14)  /* EL0: DC ZVA */
#define SCTLR_UCT (1ull << 15)  /* EL0: CTR_EL0 */
#define SCTLR_NTWE (1ull << 18) /* EL0: WFE; WFI is trapped */
#define SCTLR_WXN (1ull << 19)
#define SCTLR_SPAN (1ull << 23) /* 0: entries from EL0 set PSTATE.PAN */

extern char kernel_start[], code_end[], text_end[], rodata_end[], data_end[], bss_start[],
    kernel_end[];
extern char boot_enter[], secondary_start[];
_Noreturn void kernel_main(void);
_Noreturn void arch_boot(void *tree, paddr_t image);

struct boot_parameters boot_parameters;

static paddr_t image_physical;
static uint64_t *stack_table, *device_table; /* level 3 of FIXED_VIRTUAL */
static uint32_t device_pages;                /* entries of device_table in use */
static paddr_t empty_table;

static paddr_t early_next; /* scratch handed out so far */

paddr_t arch_image_address(const void *pointer)
{
    return (uintptr_t)pointer - KERNEL_VIRTUAL + image_physical;
}

/* --- building the kernel half, on the boot's coarse tables --- */

static void *early_pointer(paddr_t address)
{
    return (void *)(address - image_physical + KERNEL_VIRTUAL);
}

/* boot.S has zeroed the scratch. */
static paddr_t early_allocate(void)
{
    paddr_t page = early_next;
    early_next += PAGE_SIZE;
    if (early_next > arch_image_address(kernel_end) + EARLY_L1)
        arch_halt(); /* there is no console yet; EARLY_SIZE fits 16 ranges of RAM */
    return page;
}

static uint64_t *table_below(uint64_t *entry)
{
    if (!*entry)
        *entry = early_allocate() | VALID_TABLE;
    return early_pointer(*entry & ADDRESS_MASK);
}

static void map_kernel(uint64_t *level1, uint64_t address, paddr_t from, paddr_t end,
                       uint64_t attributes)
{
    while (from < end) {
        uint64_t *entry1 = &level1[address >> 30 & 511];
        uint64_t size = 1ull << 30;
        if (!*entry1 && address % size == 0 && from % size == 0 && end - from >= size) {
            *entry1 = from | attributes | VALID_BLOCK;
        } else {
            uint64_t *entry2 = &table_below(entry1)[address >> 21 & 511];
            size = BLOCK_SIZE;
            if (!*entry2 && address % size == 0 && from % size == 0 && end - from >= size) {
                *entry2 = from | attributes | VALID_BLOCK;
            } else {
                size = PAGE_SIZE;
                table_below(entry2)[address >> 12 & 511] = from | attributes | VALID_PAGE;
            }
        }
        address += size;
        from += size;
    }
}

static void map_direct(uint64_t *level1, paddr_t from, paddr_t end, uint64_t attributes)
{
    if (from < end)
        map_kernel(level1, DIRECT_BASE + from, from, end, attributes);
}

/* The image by its parts, and RAM, in which what the image must not have changed is read-only as
 * well. */
static paddr_t map_all(void)
{
    const struct {
        const char *start, *end;
        uint64_t attributes;
    } parts[] = {
        { kernel_start, text_end, KERNEL_TEXT }, { text_end, rodata_end, KERNEL_CONSTANT },
        { rodata_end, data_end, KERNEL_DATA },   { data_end, bss_start, KERNEL_CONSTANT },
        { bss_start, kernel_end, KERNEL_DATA },
    };
    paddr_t root = early_allocate();
    uint64_t *level1 = early_pointer(root);

    for (uint32_t i = 0; i < ARRAY_COUNT(parts); i++) {
        paddr_t from = arch_image_address(parts[i].start), to = arch_image_address(parts[i].end);
        map_kernel(level1, (uintptr_t)parts[i].start, from, to, parts[i].attributes);
        map_direct(level1, from, to, parts[i].attributes | PXN);
    }
    uint64_t *level2 = table_below(&level1[FIXED_VIRTUAL >> 30 & 511]);
    stack_table = table_below(&level2[FIXED_VIRTUAL >> 21 & 511]);
    device_table = table_below(&level2[(FIXED_VIRTUAL >> 21 & 511) + 1]);

    paddr_t image = arch_image_address(kernel_start), image_end = arch_image_address(kernel_end);
    for (uint32_t i = 0; i < machine.ram_count; i++) {
        paddr_t from = ROUND_UP(machine.ram[i].start, PAGE_SIZE);
        paddr_t to = machine.ram[i].end / PAGE_SIZE * PAGE_SIZE;
        map_direct(level1, from, to < image ? to : image, KERNEL_DATA);
        map_direct(level1, from > image_end ? from : image_end, to, KERNEL_DATA);
    }
    return root;
}

void mmu_stack_map(uint32_t cpu)
{
    uint32_t first = (cpu * STACK_STRIDE + STACK_STRIDE - STACK_SIZE) / PAGE_SIZE;
    for (uint32_t i = 0; i < STACK_SIZE / PAGE_SIZE; i++) {
        paddr_t page = page_allocate_zero();
        if (!page)
            panic("no memory for the stack of cpu %u", cpu);
        stack_table[first + i] = page | KERNEL_DATA | VALID_PAGE;
    }
    arch_tables_sync();
}

/* Called by boot.S on the coarse tables: reads the device tree, builds the final tables, enters
 * kernel_main on them and on the boot CPU's own stack. */
void arch_boot(void *tree, paddr_t image)
{
    counter_start();
    image_physical = image;
    early_next = arch_image_address(kernel_end);
    if (machine_read(tree, &machine))
        arch_halt(); /* no console to say why */
    paddr_t root = map_all();
    empty_table = early_allocate();
    for (uint32_t i = 0; i < STACK_SIZE / PAGE_SIZE; i++)
        stack_table[(STACK_STRIDE - STACK_SIZE) / PAGE_SIZE + i] =
            early_allocate() | KERNEL_DATA | VALID_PAGE;
    /* From here on by its alias in the direct map: the scratch's mapping ends. */
    stack_table = page_pointer(arch_image_address(stack_table));
    device_table = page_pointer(arch_image_address(device_table));
    machine.reserved[machine.reserved_count++] = (struct memory_range){ image, early_next };

    uint64_t control = SCTLR_BASE | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_SA0 | SCTLR_I | SCTLR_DZE |
                       SCTLR_UCT | SCTLR_NTWE | SCTLR_WXN;
    if (register_field(register_read(id_aa64mmfr1_el1), 20)) /* PAN */
        control &= ~SCTLR_SPAN;
    boot_parameters.table = root;
    boot_parameters.control = control;
    arch_data_clean(&boot_parameters, sizeof boot_parameters); /* read with the MMU off */
    cpus[0].stack_top = FIXED_VIRTUAL + STACK_STRIDE;

    void (*enter)(paddr_t, paddr_t, uint64_t, uintptr_t, void (*)(void)) =
        (void *)arch_image_address(boot_enter);
    enter(root, empty_table, control, cpus[0].stack_top, (void (*)(void))kernel_main);
    __builtin_unreachable();
}

volatile void *arch_device_map(paddr_t address, uint64_t length)
{
    paddr_t first = address / PAGE_SIZE * PAGE_SIZE;
    uint64_t count = (ROUND_UP(address + length, PAGE_SIZE) - first) / PAGE_SIZE;
    uint32_t at = 0;
    /* Several devices may share a page: an existing run of entries is used again. */
    for (; at < device_pages; at++) {
        uint64_t same = 0;
        while (same < count && at + same < device_pages &&
               (device_table[at + same] & ADDRESS_MASK) == first + same * PAGE_SIZE)
            same++;
        if (same == count)
            break;
    }
    if (at == device_pages) {
        if (count > 512 - device_pages)
            return NULL;
        for (uint64_t i = 0; i < count; i++)
            device_table[device_pages++] = (first + i * PAGE_SIZE) | KERNEL_DEVICE | VALID_PAGE;
        arch_tables_sync();
    }
    return (volatile char *)FIXED_VIRTUAL + BLOCK_SIZE + at * PAGE_SIZE + address % PAGE_SIZE;
}

bool arch_on_kernel_stack(uintptr_t address)
{
    uintptr_t offset = address - FIXED_VIRTUAL;
    return offset < CPU_MAX * STACK_STRIDE && stack_table[offset / PAGE_SIZE] != 0;
}

/* --- user half --- */

uint64_t arch_pte(paddr_t page, uint32_t protection, bool device)
{
    if (!protection)
        return 0;
    uint64_t entry = page | VALID_PAGE | USER | ACCESSED | NOT_GLOBAL | PXN;
    entry |= device ? ATTRIBUTES_DEVICE : INNER_SHAREABLE;
    if (!(protection & SW_MAP_WRITE))
        entry |= READ_ONLY;
    if (!(protection & SW_MAP_EXECUTE))
        entry |= UXN;
    return entry;
}

/* Pairs with the walks of this CPU and others; the eret, or the ISB, synchronises the fetch. */
void arch_tables_sync(void)
{
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

/* The entries were changed before: the first barrier makes walks see that, the second waits for the
 * invalidation. */
#define TLB_INVALIDATE(operation, domain, operand)                                                 \
    __asm__ volatile("dsb " domain "st\n\ttlbi " operation ", %0\n\tdsb " domain                   \
                     "\n\tisb" ::"r"(operand)                                                      \
                     : "memory")

static uint64_t tlb_operand(uint16_t asid, vaddr_t address)
{
    return (uint64_t)asid << 48 | (address >> 12 & ((1ull << 44) - 1));
}

void arch_tlb_flush_page(uint16_t asid, vaddr_t address)
{
    TLB_INVALIDATE("vae1", "nsh", tlb_operand(asid, address));
}

void arch_tlb_flush_asid(uint16_t asid)
{
    TLB_INVALIDATE("aside1", "nsh", tlb_operand(asid, 0));
}

void arch_tlb_flush_page_shared(uint16_t asid, vaddr_t address)
{
    TLB_INVALIDATE("vae1is", "ish", tlb_operand(asid, address));
}

void arch_tlb_flush_asid_shared(uint16_t asid)
{
    TLB_INVALIDATE("aside1is", "ish", tlb_operand(asid, 0));
}

void arch_tlb_flush_all_shared(void)
{
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
}

void arch_space_activate(const struct space *space)
{
    register_write(ttbr0_el1, space ? space->root | (uint64_t)space->asid << 48 : empty_table);
    barrier_instruction();
}

uint16_t arch_asid_count(void)
{
    return register_field(register_read(id_aa64mmfr0_el1), 4) == 2 ? 65535 : 256;
}

/* --- caches --- */

static uint32_t cache_line(uint32_t shift)
{
    return 4u << register_field(register_read(ctr_el0), shift);
}

void arch_code_sync(const void *start, size_t length)
{
    uint32_t line = cache_line(16);
    uintptr_t end = (uintptr_t)start + length;
    for (uintptr_t at = (uintptr_t)start & ~(uintptr_t)(line - 1); at < end; at += line)
        __asm__ volatile("dc cvau, %0" ::"r"(at) : "memory");
    __asm__ volatile("dsb ish" ::: "memory");
    if (register_field(register_read(ctr_el0), 14) % 4 != 3) {
        /* Not physically indexed: lines of other virtual addresses are only reached all at once. */
        __asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
        return;
    }
    line = cache_line(0);
    for (uintptr_t at = (uintptr_t)start & ~(uintptr_t)(line - 1); at < end; at += line)
        __asm__ volatile("ic ivau, %0" ::"r"(at) : "memory");
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

void arch_data_clean(const void *start, size_t length)
{
    uint32_t line = cache_line(16);
    uintptr_t end = (uintptr_t)start + length;
    for (uintptr_t at = (uintptr_t)start & ~(uintptr_t)(line - 1); at < end; at += line)
        __asm__ volatile("dc cvac, %0" ::"r"(at) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
}

void arch_kernel_code(const uint64_t **out_start, const uint64_t **out_end)
{
    *out_start = (const uint64_t *)kernel_start;
    *out_end = (const uint64_t *)code_end;
}
