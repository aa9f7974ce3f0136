/* A plugin of the emulator: which pages the guest touches between two marks.
 *
 * The guest marks the beginning and the end of what is measured by two hint instructions that mean
 * nothing to a CPU (bench.c). At each end mark one line goes to the emulator's log:
 *
 *   pages CODE DATA SWITCHES
 *
 * CODE and DATA are distinct 4 KiB pages fetched from and read or written, in user and kernel mode;
 * the same virtual page of two address spaces counts twice. SWITCHES are writes of TTBR0_EL1. Each
 * page is a miss of the emulator's TLB after such a write (and may be one of a real TLB), which is
 * what instruction counts do not show. One CPU.
 *
 * The interface of plugins is the emulator's, version 1, declared here as far as it is used; the
 * functions are found in the emulator when it loads this. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
enum { CALLBACK_NO_REGISTERS = 0, ACCESS_READ_WRITE = 3 };

extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*translated)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*executed)(unsigned, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*accessed)(unsigned, uint32_t, uint64_t, void *),
                                      int flags, int kind, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);
void qemu_plugin_outs(const char *text);

int qemu_plugin_version = 1;

#define PAGE_SHIFT 12
#define MARK_BEGIN 0xd5032e1fu /* hint #0x70 */
#define MARK_END 0xd5032e3fu   /* hint #0x71 */
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
        uint32_t word;

        memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
        if (page != last_page)
            watch_fetch(insn);
        last_page = page;
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, CALLBACK_NO_REGISTERS, ACCESS_READ_WRITE,
                                         NULL);
        if (word == MARK_BEGIN)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, CALLBACK_NO_REGISTERS, NULL);
        else if (word == MARK_END)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, end, CALLBACK_NO_REGISTERS, NULL);
        else if ((word & ~REGISTER_MASK) == TTBR0_WRITE)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, switched, CALLBACK_NO_REGISTERS, NULL);
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
