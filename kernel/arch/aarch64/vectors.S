/* Exception entries, and the way back to user mode.
 *
 * While a thread is in user mode SP_EL1 points at its struct thread, whose first member is the
 * frame: an entry saves the registers without needing one of them, then takes this CPU's stack
 * (struct cpu.stack_top, first member of what TPIDR_EL1 points at). Interrupts stay masked until
 * the eret, so an exception from EL1 is a fault of the kernel's own: one of a checked access
 * (arch_fixup) or a bug.
 *
 * All registers are saved each time, although C keeps x19 to x29: a frame must be whole as soon as
 * its thread may be resumed by another CPU. A system call after which its thread simply goes on
 * takes back only what C does not keep. TPIDR_EL0 and the FP registers change hands only when the
 * thread does (arch_fp_save, arch_fp_restore).
 *
 * The emulator ends a translated block and recomputes its view of the CPU at each write of a system
 * register; reading one is a load. So what need not change is compared, not written. */
#define EC_SVC64 0x15

/* 25 instructions; leaves x0 = x19 = thread. */
    .macro  user_save
    stp     x0, x1, [sp, #16 * 0]
    stp     x2, x3, [sp, #16 * 1]
    stp     x4, x5, [sp, #16 * 2]
    stp     x6, x7, [sp, #16 * 3]
    stp     x8, x9, [sp, #16 * 4]
    stp     x10, x11, [sp, #16 * 5]
    stp     x12, x13, [sp, #16 * 6]
    stp     x14, x15, [sp, #16 * 7]
    stp     x16, x17, [sp, #16 * 8]
    stp     x18, x19, [sp, #16 * 9]
    stp     x20, x21, [sp, #16 * 10]
    stp     x22, x23, [sp, #16 * 11]
    stp     x24, x25, [sp, #16 * 12]
    stp     x26, x27, [sp, #16 * 13]
    stp     x28, x29, [sp, #16 * 14]
    mrs     x1, sp_el0
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x30, x1, [sp, #16 * 15]
    stp     x2, x3, [sp, #16 * 16]
    mov     x19, sp
    mov     x0, x19
    mrs     x1, tpidr_el1
    ldr     x1, [x1]
    mov     sp, x1
    .endm

    .macro  kernel_vector number
    .balign 0x80
    sub     sp, sp, #288
    add     sp, sp, x0 /* looks at sp without a free register: sp + x0, then x0 = sp */
    sub     x0, sp, x0
    tbz     x0, #14, stack_overflow
    sub     x0, sp, x0
    sub     sp, sp, x0
    stp     x0, x1, [sp]
    mov     x0, sp
    mov     x1, #\number
    b       kernel_exception_common
    .endm

    .section .vectors, "ax"
    .balign 0x800
    .global vectors
vectors:
    kernel_vector 0 /* current EL with SP_EL0: never */
    kernel_vector 1
    kernel_vector 2
    kernel_vector 3
    kernel_vector 4 /* current EL: synchronous, IRQ, FIQ, SError */
    kernel_vector 5
    kernel_vector 6
    kernel_vector 7

    .balign 0x80 /* user mode: synchronous */
    user_save
    mrs     x3, esr_el1
    lsr     x2, x3, #26
    cmp     x2, #EC_SVC64
    b.ne    user_fault
    adr     x30, syscall_done
    b       kernel_syscall

    .balign 0x80 /* user mode: IRQ */
    user_save
    bl      kernel_interrupt
    b       arch_resume

    kernel_vector 10 /* user mode: FIQ, SError */
    kernel_vector 11
    kernel_vector 12 /* AArch32: never */
    kernel_vector 13
    kernel_vector 14
    kernel_vector 15

/* x0: thread to resume; 0: that of the call, x19, which no other CPU has had meanwhile, so that x20
 * to x29 and SP_EL0 are still its own. Its pc was moved if the call is to be made again; a fault in a
 * checked access has changed ELR_EL1 and SPSR_EL1. */
syscall_done:
    cbnz    x0, arch_resume
    mov     sp, x19
    ldp     x2, x3, [sp, #16 * 16]
    mrs     x4, elr_el1
    mrs     x5, spsr_el1
    cmp     x2, x4
    ccmp    x3, x5, #0, eq
    b.ne    1f
2:  ldr     x30, [sp, #16 * 15]
    ldp     x0, x1, [sp, #16 * 0]
    ldp     x2, x3, [sp, #16 * 1]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x16, x17, [sp, #16 * 8]
    ldp     x18, x19, [sp, #16 * 9]
    eret
1:  msr     elr_el1, x2
    msr     spsr_el1, x3
    b       2b

/* x0: thread, x3: ESR_EL1 */
user_fault:
    mrs     x2, far_el1
    mov     x1, x3
    bl      arch_user_fault
    /* falls through */

/* arch_resume(x0: thread): to user mode; struct thread starts with the frame. */
    .global arch_resume
arch_resume:
    mov     sp, x0
    ldp     x22, x23, [sp, #16 * 16]
    ldp     x30, x21, [sp, #16 * 15]
    mrs     x24, spsr_el1
    cmp     x23, x24
    b.eq    1f
    msr     spsr_el1, x23
1:  msr     elr_el1, x22
    msr     sp_el0, x21
    ldp     x0, x1, [sp, #16 * 0]
    ldp     x2, x3, [sp, #16 * 1]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x16, x17, [sp, #16 * 8]
    ldp     x18, x19, [sp, #16 * 9]
    ldp     x20, x21, [sp, #16 * 10]
    ldp     x22, x23, [sp, #16 * 11]
    ldp     x24, x25, [sp, #16 * 12]
    ldp     x26, x27, [sp, #16 * 13]
    ldp     x28, x29, [sp, #16 * 14]
    eret

/* An overflown stack shows in bit 14 of the pointer (arch_layout.h): the record is made on the
 * emergency stack. sp = the pointer + old x0, x0 = the pointer; the user's thread registers are
 * lost, but this ends in a panic. */
stack_overflow:
    msr     tpidrro_el0, x0
    sub     x0, sp, x0
    msr     tpidr_el0, x0
    adrp    x0, emergency_stack_top
    add     x0, x0, :lo12:emergency_stack_top
    sub     x0, x0, #288
    mov     sp, x0
    mrs     x0, tpidr_el0
    stp     x0, x1, [sp]
    mrs     x0, tpidrro_el0
    mov     x1, #16

/* An exception in the kernel. x0: stack pointer - 288, x1: vector, old x0 and x1 saved at sp. */
kernel_exception_common:
    stp     x2, x3, [sp, #16 * 1]
    stp     x4, x5, [sp, #16 * 2]
    stp     x6, x7, [sp, #16 * 3]
    stp     x8, x9, [sp, #16 * 4]
    stp     x10, x11, [sp, #16 * 5]
    stp     x12, x13, [sp, #16 * 6]
    stp     x14, x15, [sp, #16 * 7]
    stp     x16, x17, [sp, #16 * 8]
    stp     x18, x19, [sp, #16 * 9]
    stp     x20, x21, [sp, #16 * 10]
    stp     x22, x23, [sp, #16 * 11]
    stp     x24, x25, [sp, #16 * 12]
    stp     x26, x27, [sp, #16 * 13]
    stp     x28, x29, [sp, #16 * 14]
    add     x0, x0, #288
    mrs     x22, elr_el1
    mrs     x23, spsr_el1
    stp     x30, x0, [sp, #16 * 15]
    stp     x22, x23, [sp, #16 * 16]
    mov     x0, sp
    mrs     x2, esr_el1
    mrs     x3, far_el1
    bl      arch_kernel_exception
    /* Returns only with the pc moved to a fixup. */
    ldp     x22, x23, [sp, #16 * 16]
    ldr     x30, [sp, #16 * 15]
    msr     elr_el1, x22
    msr     spsr_el1, x23
    ldp     x0, x1, [sp, #16 * 0]
    ldp     x2, x3, [sp, #16 * 1]
    ldp     x4, x5, [sp, #16 * 2]
    ldp     x6, x7, [sp, #16 * 3]
    ldp     x8, x9, [sp, #16 * 4]
    ldp     x10, x11, [sp, #16 * 5]
    ldp     x12, x13, [sp, #16 * 6]
    ldp     x14, x15, [sp, #16 * 7]
    ldp     x16, x17, [sp, #16 * 8]
    ldp     x18, x19, [sp, #16 * 9]
    ldp     x20, x21, [sp, #16 * 10]
    ldp     x22, x23, [sp, #16 * 11]
    ldp     x24, x25, [sp, #16 * 12]
    ldp     x26, x27, [sp, #16 * 13]
    ldp     x28, x29, [sp, #16 * 14]
    add     sp, sp, #288
    eret

    .bss
    .balign 16
    .skip   4096
emergency_stack_top:
