/* What the portable kernel needs from the CPU. kernel/arch/aarch64 implements it. */
#pragma once
#include "types.h"
#include <arch_inline.h> /* arch_now, arch_table_entry, arch_pte_page, page_pointer, cpu_this,
                          * arch_page_filled */

/* User registers as the entry code saves them. Offsets are known to vectors.S. */
struct arch_frame {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t pstate;
    uint64_t tls; /* TPIDR_EL0 */
};

struct arch_fp {
    __uint128_t v[32];
    uint32_t fpcr, fpsr;
    uint32_t reserved[2];
};

struct space;
struct thread;

/* --- page tables: level 3 leaf entries of user space --- */
/* Bits 55 to 57 are left to the portable side (it keeps SW_MAP_* there); arch_pte_page ignores
 * them. */
uint64_t arch_pte(paddr_t page, uint32_t protection, bool device); /* protection: SW_MAP_* */
#define ARCH_PTE_VALID 1ull
/* Makes writes to page tables visible to walks before user code runs. */
void arch_tables_sync(void);
void arch_tlb_flush_page(uint16_t asid, vaddr_t address); /* this CPU */
void arch_tlb_flush_asid(uint16_t asid);                  /* this CPU */
/* The same on all CPUs by hardware broadcast (TLBI ...IS; DSB ISH), complete on return. */
void arch_tlb_flush_page_shared(uint16_t asid, vaddr_t address);
void arch_tlb_flush_asid_shared(uint16_t asid);
void arch_tlb_flush_all_shared(void); /* every user entry */
/* Interrupts the CPUs of the mask so that they enter the kernel (SGI); does not wait. */
void arch_kick(uint32_t cpu_mask);
/* Writes TTBR0 with the ASID. NULL: the empty space. */
void arch_space_activate(const struct space *space);
paddr_t arch_image_address(const void *pointer); /* of something in the kernel image */
/* Cleans D-cache to the point of unification and invalidates the I-cache for new code. */
void arch_code_sync(const void *start, size_t length);

/* --- user memory of the active space; returns bytes not copied (0: all) --- */
size_t arch_copy_from_user(void *to, vaddr_t from, size_t length);
size_t arch_copy_to_user(vaddr_t to, const void *from, size_t length);

/* --- boot, in this order --- */
void arch_init(void);         /* this CPU, early console */
void arch_init_clock(void);   /* needs the information page; then the interrupt controller */
uint64_t arch_features(void); /* SW_FEATURE_* of the CPU */

/* --- time --- */
/* uint64_t arch_now(void): ns since the counter started; the same on all CPUs. */
uint64_t arch_since_boot(void);     /* ns since this kernel started */
void arch_timer_set(uint64_t when); /* interrupt this CPU at that time; SW_NEVER: none */

/* --- CPU --- */
void arch_idle(void); /* waits for an interrupt, masked; the lock is not held */
void arch_fp_save(struct arch_fp *fp);
void arch_fp_restore(const struct arch_fp *fp);
_Noreturn void arch_power(uint32_t kind); /* SW_POWER_* by PSCI; halts if that fails */
_Noreturn void arch_halt(void);           /* this CPU does nothing more */
uint16_t arch_asid_count(void);           /* at most 65535 */
/* Starts the other CPUs; each joins by taking the lock, cpu_arrived, and scheduling. Returns how
 * many there are with this one; those the firmware refuses are logged and left out. */
uint32_t arch_cpus_start(void);
_Noreturn void arch_resume(struct thread *thread); /* to user mode, lock not held */
bool arch_on_kernel_stack(uintptr_t address);
/* The kernel's own code, as it was linked: names its symbols in crash records. */
void arch_kernel_code(const uint64_t **out_start, const uint64_t **out_end);
/* Writes cached data back to memory, where it survives a reset. */
void arch_data_clean(const void *start, size_t length);

/* --- interrupts --- */
void arch_interrupt_configure(uint32_t number, bool edge); /* masked, delivered to the boot CPU */
void arch_interrupt_mask(uint32_t number);
void arch_interrupt_unmask(uint32_t number);
bool arch_interrupt_is_masked(uint32_t number); /* as the controller has it */
/* Called with the lock by kernel_interrupt and by sched while no thread runs: acknowledges and dispatches all
 * that is pending. */
void arch_interrupt_dispatch(void);
/* The portable side: a device interrupt arrived (already masked at the controller). */
void device_interrupt(uint32_t number);

/* --- device registers --- */
/* Maps registers (page by page, for good) into the kernel; NULL: no room left. */
volatile void *arch_device_map(paddr_t address, uint64_t length);
/* One access of 1, 2, 4 or 8 bytes, ordered with the memory that DMA shares. */
uint64_t arch_register_read(const volatile void *address, uint32_t width);
void arch_register_write(volatile void *address, uint32_t width, uint64_t value);

/* --- the big lock: test-and-test-and-set, one for the whole kernel --- */
void lock_take(void);
void lock_release(void);
void lock_seize(void); /* for panic: taken if it can be had */

/* --- pauses of debug builds, seeded: after each release of the lock, before each kick, at each
 * wake. They bring up orders of events that are rare otherwise. --- */
#ifdef SW_DEBUG
void debug_pauses_init(void); /* the random generator works */
void debug_pause(void);
/* `swos.idle=poll`: idle CPUs run on. An emulator that counts instructions for a clock jumps ahead
 * when all CPUs sleep, from a host thread that does not wait for what they did last to be counted:
 * with sleeping CPUs the same seed gives another run one time in ten or in a thousand. */
extern bool debug_idle_polls;
void debug_idle(void);
#else
#define debug_idle_polls false
static inline void debug_idle(void) {}
static inline void debug_pauses_init(void) {}
static inline void debug_pause(void) {}
#endif

/* --- entries from vectors.S, lock not yet held, interrupts masked --- */
/* Each returns the thread to resume (sched_exit). */
const char *syscall_name(uint64_t number); /* for records */
/* NULL: the same, and no other CPU has had it meanwhile. */
struct thread *kernel_syscall(struct thread *thread);
struct thread *kernel_fault(struct thread *thread, uint32_t kind /* SW_MAP_* access, 0: other */,
                            vaddr_t address, uint32_t syndrome);
struct thread *kernel_interrupt(struct thread *thread);
