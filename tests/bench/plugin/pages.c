/* A plugin of the emulator: which pages the guest touches between two marks (marks.h).
 *
 * At each end mark one line goes to the emulator's log:
 *
 *   pages CODE DATA SWITCHES
 *
 * CODE and DATA are distinct 4 KiB pages fetched from and read or written, in user and kernel mode;
 * the same virtual page of two address spaces counts twice. SWITCHES are writes of TTBR0_EL1. Each
 * page is a miss of the emulator's TLB after such a write (and may be one of a real TLB), which is
 * what instruction counts do not show. One CPU. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"

#define PAGE_SHIFT 12
#define TTBR0_WRITE 0xd5182000u
#define REGISTER_MASK 0x1fu

/* A set of (virtual page, page behind it); open addressing, far larger than any measured path. */
#define SET_SIZE 65536u
struct set {
    struct page {
        uint64_t virtual, behind;
    } pages[SET_SIZE];
    unsigned count;
};

static struct set code, data;
static unsigned switches;
static bool active;

static void set_add(struct set *set, uint64_t address, uint64_t behind)
{
    const struct page page = { (address >> PAGE_SHIFT) + 1, behind >> PAGE_SHIFT };
    unsigned at = (unsigned)((page.virtual * 31 + page.behind) * 2654435761u) % SET_SIZE;

    while (set->pages[at].virtual) {
        if (!memcmp(&set->pages[at], &page, sizeof(page)))
            return;
        at = (at + 1) % SET_SIZE;
    }
    if (set->count == SET_SIZE / 2)
        return; /* the figure shown is then this limit */
    set->pages[at] = page;
    set->count++;
}

static void begin(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    memset(&code, 0, sizeof(code));
    memset(&data, 0, sizeof(data));
    switches = 0;
    active = true;
}

static void end(unsigned cpu, void *unused)
{
    char line[64];

    (void)cpu;
    (void)unused;
    active = false;
    snprintf(line, sizeof(line), "pages %u %u %u\n", code.count, data.count, switches);
    qemu_plugin_outs(line);
}

static void switched(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    switches++;
}

struct fetch {
    uint64_t address;
    void *behind;
};

static void fetched(unsigned cpu, void *behind)
{
    (void)cpu;
    if (active) {
        const struct fetch *fetch = behind;
        set_add(&code, fetch->address, (uintptr_t)fetch->behind);
    }
}

static void accessed(unsigned cpu, uint32_t info, uint64_t address, void *unused)
{
    (void)cpu;
    (void)unused;
    if (active) {
        const struct qemu_plugin_hwaddr *behind = qemu_plugin_get_hwaddr(info, address);
        set_add(&data, address, behind ? qemu_plugin_hwaddr_phys_addr(behind) : 0);
    }
}

/* Has a fetch from this page noted whenever the instruction runs. The emulator keeps the pointer as
 * long as its translation, which nobody tells us the end of: never freed. */
static void watch_fetch(struct qemu_plugin_insn *insn)
{
    struct fetch *fetch = malloc(sizeof(*fetch));

    if (!fetch)
        abort();
    *fetch = (struct fetch){ qemu_plugin_insn_vaddr(insn), qemu_plugin_insn_haddr(insn) };
    qemu_plugin_register_vcpu_insn_exec_cb(insn, fetched, CALLBACK_NO_REGISTERS, fetch);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    uint64_t last_page = 0;

    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t page = (qemu_plugin_insn_vaddr(insn) >> PAGE_SHIFT) + 1;

        if (page != last_page)
            watch_fetch(insn);
        last_page = page;
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, CALLBACK_NO_REGISTERS, ACCESS_READ_WRITE,
                                         NULL);
        watch_mark(insn);
        if ((instruction_word(insn) & ~REGISTER_MASK) == TTBR0_WRITE)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, switched, CALLBACK_NO_REGISTERS, NULL);
    }
}
