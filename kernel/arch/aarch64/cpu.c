/* Per-CPU set-up, starting and stopping CPUs (PSCI), exceptions of the kernel itself, idle. */
#include "arch.h"
#include "arch_layout.h"
#include "arch_registers.h"
#include "log.h"
#include "machine.h"
#include "process.h"

#define PSCI_CPU_ON 0xc4000003
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

#define CPACR_FP (3ull << 20)
#define PMCR_ENABLE_LONG (1 | 1 << 6)
#define PMU_INSTRUCTIONS 0x08
#define PMUSER_READ 0xc /* cycle and event counters may be read */

#define EC_INSTRUCTION_LOWER 0x20
#define EC_DATA_LOWER 0x24
#define DATA_WRITE (1 << 6)

/* What vectors.S knows. */
_Static_assert(offsetof(struct thread, frame) == 0, "frame comes first");
_Static_assert(offsetof(struct cpu, stack_top) == 0, "stack comes first");
_Static_assert(offsetof(struct arch_frame, sp) == 248 && offsetof(struct arch_frame, pc) == 256,
               "frame");
_Static_assert(offsetof(struct arch_fp, fpcr) == 512, "FP registers");

extern char secondary_start[];
void fp_save(struct arch_fp *fp);
void fp_restore(const struct arch_fp *fp);
_Noreturn void arch_secondary(uint32_t number);
struct thread *arch_user_fault(struct thread *thread, uint32_t syndrome, vaddr_t address);
void arch_kernel_exception(struct arch_frame *frame, uint32_t vector, uint64_t syndrome,
                           uint64_t address);

void cpu_registers_init(void)
{
    register_write(cpacr_el1, CPACR_FP);
    register_write(tpidrro_el0, 0);
    register_write(cntkctl_el1, 2); /* EL0 reads CNTVCT_EL0, nothing else */
    register_write(mdscr_el1, 0);
    if (register_field(register_read(id_aa64mmfr1_el1), 20))
        __asm__ volatile(".inst 0xd500419f" ::: "memory"); /* msr pan, #1 */
    uint32_t pmu = register_field(register_read(id_aa64dfr0_el1), 8);
    if (pmu == 0 || pmu == 15)
        return;
    register_write(pmuserenr_el0, 0);
    if (info_page && info_page->features & SW_FEATURE_PMU) {
        register_write(pmevtyper0_el0, PMU_INSTRUCTIONS);
        register_write(pmccfiltr_el0, 0);
        register_write(pmcntenset_el0, 1ull << 31 | 1);
        register_write(pmcr_el0, register_read(pmcr_el0) | PMCR_ENABLE_LONG);
        register_write(pmuserenr_el0, PMUSER_READ);
    }
}

uint64_t arch_features(void)
{
    uint64_t isar = register_read(id_aa64isar0_el1), features = 0;
    if (register_field(isar, 12))
        features |= SW_FEATURE_SHA2;
    if (register_field(isar, 4))
        features |= SW_FEATURE_AES;
    if (register_field(isar, 16))
        features |= SW_FEATURE_CRC32;
    if (register_field(isar, 20))
        features |= SW_FEATURE_ATOMICS;
    return features;
}

/* Leaves the identity map for the empty space. Its entries are global: they would shadow what
 * programs have at those addresses. */
static void identity_leave(void)
{
    arch_space_activate(NULL);
    __asm__ volatile("dsb nshst\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

void arch_init(void)
{
    register_write(tpidr_el1, &cpus[0]);
    cpu_registers_init();
    identity_leave();
    early_console_init();
}

void arch_init_clock(void)
{
    cpu_registers_init(); /* now that the features are decided */
    counter_init();
    timer_cpu_init();
    gic_init();
    gic_cpu_init(0);
}

/* --- PSCI --- */

static int64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;
    if (machine.psci_hvc)
        __asm__ volatile("hvc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4", "x5", "x6", "x7",
                           "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
    else if (machine.psci_smc)
        __asm__ volatile("smc #0"
                         : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory", "x4", "x5", "x6", "x7",
                           "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
    else
        return -1;
    return (int32_t)x0;
}

uint32_t arch_cpus_start(void)
{
    uint64_t self = register_read(mpidr_el1) & 0xff00ffffff;
    uint32_t count = 1;
    for (uint32_t i = 0; i < machine.cpu_count && count < CPU_MAX; i++) {
        if (machine.cpu_ids[i] == self)
            continue;
        mmu_stack_map(count);
        cpus[count].number = count;
        cpus[count].stack_top = FIXED_VIRTUAL + STACK_STRIDE * (count + 1ull);
        int64_t status =
            psci_call(PSCI_CPU_ON, machine.cpu_ids[i], arch_image_address(secondary_start), count);
        if (status == 0)
            count++;
        else
            log_error("smp", "cpu %lx does not start: PSCI status %ld", machine.cpu_ids[i], status);
    }
    return count;
}

void arch_secondary(uint32_t number)
{
    struct cpu *cpu = &cpus[number];
    register_write(tpidr_el1, cpu);
    cpu_registers_init();
    identity_leave();
    gic_cpu_init(number);
    timer_cpu_init();
    lock_take();
    cpu_arrived(cpu);
    struct thread *thread = sched_exit();
    lock_release();
    arch_resume(thread);
}

void arch_power(uint32_t kind)
{
    psci_call(kind == SW_POWER_OFF ? PSCI_SYSTEM_OFF : PSCI_SYSTEM_RESET, 0, 0, 0);
    panic("PSCI does not switch %s", kind == SW_POWER_OFF ? "off" : "over to a new start");
}

void arch_halt(void)
{
    for (;;)
        __asm__ volatile("msr daifset, #15\n\twfi" ::: "memory");
}

/* The barrier pairs with those who made work ready and kicked: what they wrote is seen after. */
void arch_idle(void)
{
    if (debug_idle_polls) {
        debug_idle();
        return;
    }
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

/* --- FP registers and TPIDR_EL0: what only changes with the thread --- */

void arch_fp_save(struct arch_fp *fp)
{
    CONTAINER(fp, struct thread, fp)->frame.tls = register_read(tpidr_el0);
    fp_save(fp);
}

void arch_fp_restore(const struct arch_fp *fp)
{
    register_write(tpidr_el0, CONTAINER(fp, const struct thread, fp)->frame.tls);
    fp_restore(fp);
}

/* --- exceptions --- */

/* A translation, access flag or permission fault: what the page tables decide. */
static bool fault_of_tables(uint32_t syndrome)
{
    uint32_t code = syndrome & 0x3f;
    return code >= 4 && code <= 15;
}

/* Finds the access a user fault asked for: SW_MAP_*, 0 for what no mapping can mend. */
struct thread *arch_user_fault(struct thread *thread, uint32_t syndrome, vaddr_t address)
{
    uint32_t kind = 0, class = syndrome >> 26;
    if (class == EC_INSTRUCTION_LOWER && fault_of_tables(syndrome))
        kind = SW_MAP_EXECUTE;
    else if (class == EC_DATA_LOWER && fault_of_tables(syndrome))
        kind = syndrome & DATA_WRITE ? SW_MAP_WRITE : SW_MAP_READ;
    else if (class != EC_DATA_LOWER) /* FAR_EL1 says nothing */
        address = thread->frame.pc;
    return kernel_fault(thread, kind, address, syndrome);
}

/* Pairs of offsets from their own place: an instruction that may fault, and where to go on. */
struct fixup {
    int32_t instruction, target;
};
extern const struct fixup fixups_start[], fixups_end[];

static bool fixup_apply(struct arch_frame *frame)
{
    for (const struct fixup *at = fixups_start; at < fixups_end; at++)
        if ((uintptr_t)&at->instruction + (intptr_t)at->instruction == frame->pc) {
            frame->pc = (uintptr_t)&at->target + (uintptr_t)(intptr_t)at->target;
            return true;
        }
    return false;
}

void arch_kernel_exception(struct arch_frame *frame, uint32_t vector, uint64_t syndrome,
                           uint64_t address)
{
    static const char *const kinds[4] = { "synchronous exception", "interrupt", "fast interrupt",
                                          "asynchronous abort" };
    if (vector == 4 && fixup_apply(frame))
        return;
    if (vector == 16)
        panic_frame(frame, "kernel stack overflow, address %lx", address);
    panic_frame(frame, "%s in the kernel (vector %u), syndrome %lx, address %lx", kinds[vector & 3],
                vector, syndrome, address);
}
