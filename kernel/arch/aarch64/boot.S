/* From the first instruction to C: Image header, exception level, first page tables, MMU.
 *
 * Runs at the physical address it was loaded to until the MMU is on, so all addresses are relative
 * to the program counter. The first tables map the image and the device tree coarsely; arch_boot
 * builds the real ones and enters them through boot_enter. */
#include "arch_layout.h"

#define DESCRIPTOR_NORMAL 0x701           /* block, attributes 0, inner shareable, accessed */
#define DESCRIPTOR_READ_ONLY 0x80
#define UXN 0x0040000000000000
#define PXN 0x0020000000000000
#define TREE_MAGIC 0xedfe0dd0             /* d00dfeed, read little-endian */
#define EARLY_SCTLR 0x30d0180d            /* RES1, SPAN, I, SA, C, M; no WXN while coarse */

    .section .head, "ax"
    .global image_head
image_head:
    b       primary_start
    .long   0
    .quad   0                             /* text_offset */
    .quad   image_size
    .quad   0xa                           /* little-endian, 4 KiB pages, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

/* Goes to EL1 if started at EL2; returns to the caller with SP_EL1 selected. */
enter_el1:
    msr     daifset, #15
    msr     spsel, #1
    mrs     x0, CurrentEL
    cmp     x0, #2 << 2
    b.ne    1f
    mov     x0, #1 << 31                  /* HCR_EL2.RW: EL1 is AArch64 */
    msr     hcr_el2, x0
    mov     x0, #3                        /* EL1 may use counter and timer */
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr
    mov     x0, #0x33ff                   /* RES1: nothing of FP or SVE traps */
    msr     cptr_el2, x0
    msr     hstr_el2, xzr
    mrs     x0, id_aa64dfr0_el1
    ubfx    x0, x0, #8, #4
    cbz     x0, 2f
    mrs     x0, pmcr_el0
    ubfx    x0, x0, #11, #5               /* all event counters belong to EL1 */
2:  msr     mdcr_el2, x0
    mrs     x0, midr_el1
    msr     vpidr_el2, x0
    mrs     x0, mpidr_el1
    msr     vmpidr_el2, x0
    mov     x0, #0x3c5                    /* EL1h, all masked */
    msr     spsr_el2, x0
    msr     elr_el2, x30
    ldr     x0, =0x30d00800               /* MMU off */
    msr     sctlr_el1, x0
    eret
1:  ret

/* MAIR and TCR of this CPU; clobbers x0 to x3. */
    .macro  translation_registers
    ldr     x0, =0x04ff                   /* 0: normal write-back, 1: device nGnRE */
    msr     mair_el1, x0
    ldr     x0, =0xb5193519               /* both halves: 39 bits, 4 KiB, write-back, inner */
    mrs     x1, id_aa64mmfr0_el1
    and     x2, x1, #15                   /* physical address size, 48 bits at most */
    cmp     x2, #5
    mov     x3, #5
    csel    x2, x2, x3, lo
    bfi     x0, x2, #32, #3
    ubfx    x1, x1, #4, #4
    cmp     x1, #2                        /* 16-bit ASIDs */
    cset    x1, eq
    bfi     x0, x1, #36, #1
    msr     tcr_el1, x0
    .endm

primary_start:
    mov     x19, x0
    bl      enter_el1
    adrp    x21, kernel_start             /* physical */
    adr     x0, early_vectors
    msr     vbar_el1, x0

    /* The device tree: x0 by the Image protocol, else at the start of RAM. x0 may be anything when
     * entered as ELF, also an address that aborts: early_vectors then goes on at x20. */
    movz    w2, #(TREE_MAGIC & 0xffff)
    movk    w2, #(TREE_MAGIC >> 16), lsl #16
    adr     x20, 1f
    cbz     x19, 1f
    tst     x19, #7
    b.ne    1f
    ldr     w1, [x19]
    cmp     w1, w2
    b.eq    2f
1:  and     x19, x21, #~((1 << 30) - 1)
    adr     x20, park
    ldr     w1, [x19]
    cmp     w1, w2
    b.ne    park
2:  adr     x20, park

    /* Zeroes .bss and the scratch behind it, then drops what a cache may hold of it from before:
     * these writes went to memory past the cache. */
    adrp    x0, bss_start
    add     x0, x0, :lo12:bss_start
    adrp    x22, kernel_end
    add     x1, x22, #EARLY_SIZE
    mov     x2, x0
1:  stp     xzr, xzr, [x2], #16
    cmp     x2, x1
    b.lo    1b
    dsb     sy
1:  dc      ivac, x0
    add     x0, x0, #64
    cmp     x0, x1
    b.lo    1b

    /* Identity: the 1 GiB with the kernel, read-only because WXN forbids running what is
     * writable. */
    mov     x3, #DESCRIPTOR_NORMAL
    adrp    x4, identity_table
    add     x4, x4, :lo12:identity_table
    lsr     x0, x21, #30
    lsl     x1, x0, #30
    orr     x1, x1, x3
    orr     x1, x1, #DESCRIPTOR_READ_ONLY
    orr     x1, x1, #UXN
    str     x1, [x4, x0, lsl #3]

    add     x5, x22, #EARLY_L1
    add     x6, x22, #EARLY_L2
    orr     x1, x6, #3
    str     x1, [x5, #(((KERNEL_VIRTUAL >> 30) & 511) * 8)]

    /* The image and its scratch. */
    add     x1, x22, #EARLY_SIZE
    orr     x2, x21, x3
    orr     x2, x2, #UXN
    mov     x0, x21
    add     x7, x6, #(((KERNEL_VIRTUAL >> 21) & 511) * 8)
1:  str     x2, [x7], #8
    add     x2, x2, #BLOCK_SIZE
    add     x0, x0, #BLOCK_SIZE
    cmp     x0, x1
    b.lo    1b

    /* The device tree: at most 2 MiB long, so it lies in two blocks. */
    and     x0, x19, #~(BLOCK_SIZE - 1)
    orr     x0, x0, x3
    orr     x0, x0, #(UXN | PXN)
    add     x1, x0, #BLOCK_SIZE
    add     x7, x6, #(((TREE_VIRTUAL >> 21) & 511) * 8)
    stp     x0, x1, [x7]

    msr     ttbr0_el1, x4
    msr     ttbr1_el1, x5
    translation_registers
    dsb     sy
    tlbi    vmalle1
    dsb     nsh
    isb
    ldr     x0, =EARLY_SCTLR
    msr     sctlr_el1, x0
    isb
    ldr     x0, =1f
    br      x0
1:  ldr     x0, =kernel_end + EARLY_STACK
    mov     sp, x0
    mov     x29, xzr
    ldr     x0, =vectors
    msr     vbar_el1, x0
    and     x0, x19, #(BLOCK_SIZE - 1)
    ldr     x1, =TREE_VIRTUAL
    add     x0, x0, x1
    mov     x1, x21
    bl      arch_boot

park:
    wfe
    b       park

/* boot_enter(x0: level 1 table, x1: empty table, x2: SCTLR_EL1, x3: stack top, x4: function)
 * Called at its physical address, through the identity map. The tables map the same addresses by
 * entries of other sizes, so nothing of the old ones may be left when the new ones come
 * (DDI 0487, D8.16 "break-before-make"). */
    .global boot_enter
boot_enter:
    msr     ttbr1_el1, x1
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     ttbr1_el1, x0
    msr     sctlr_el1, x2
    isb
    mov     sp, x3
    mov     x29, xzr
    mov     x30, xzr
    br      x4

/* Where PSCI starts the other CPUs, x0: their number. boot_parameters is {table, SCTLR_EL1}. */
    .global secondary_start
secondary_start:
    mov     x19, x0
    bl      enter_el1
    translation_registers
    adrp    x0, boot_parameters
    add     x0, x0, :lo12:boot_parameters
    ldp     x5, x6, [x0]
    adrp    x4, identity_table
    add     x4, x4, :lo12:identity_table
    msr     ttbr0_el1, x4
    msr     ttbr1_el1, x5
    tlbi    vmalle1
    dsb     nsh
    isb
    msr     sctlr_el1, x6
    isb
    ldr     x0, =1f
    br      x0
1:  ldr     x1, =vectors
    msr     vbar_el1, x1
    mov     x0, x19
    mov     x2, #STACK_STRIDE
    ldr     x3, =FIXED_VIRTUAL + STACK_STRIDE
    madd    x3, x2, x19, x3
    mov     sp, x3
    mov     x29, xzr
    bl      arch_secondary
    b       park

    .ltorg

/* Synchronous exceptions before there are tables: go on at x20. */
    .balign 0x800
early_vectors:
    .skip   0x200
    br      x20
    .balign 0x80

    .bss
    .balign 4096
    .global identity_table
identity_table:
    .skip   4096
