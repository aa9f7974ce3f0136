/* Copies between kernel and the active user space by unprivileged accesses (ldtr, sttr): the MMU
 * checks them as if EL0 made them, PAN or not.
 *
 * size_t arch_copy_from_user(void *to, vaddr_t from, size_t length)
 * size_t arch_copy_to_user(vaddr_t to, const void *from, size_t length)
 * x0: to, x1: from, x2: bytes left, which is the result. The pointers move only after a whole block
 * was copied. A fault in a block goes on byte by byte, so that the result is exact: the first byte
 * not copied is the one that faults. */
    .macro  fixup from, to
    .pushsection .fixups, "a"
    .balign 4
    .long   \from - ., \to - .
    .popsection
    .endm

    .section .text.fast, "ax"
    .global arch_copy_from_user
arch_copy_from_user:
    subs    x3, x2, #64
    b.lo    2f
1:
.Lf0: ldtr x4, [x1]
.Lf1: ldtr x5, [x1, #8]
.Lf2: ldtr x6, [x1, #16]
.Lf3: ldtr x7, [x1, #24]
.Lf4: ldtr x8, [x1, #32]
.Lf5: ldtr x9, [x1, #40]
.Lf6: ldtr x10, [x1, #48]
.Lf7: ldtr x11, [x1, #56]
    stp     x4, x5, [x0]
    stp     x6, x7, [x0, #16]
    stp     x8, x9, [x0, #32]
    stp     x10, x11, [x0, #48]
    add     x0, x0, #64
    add     x1, x1, #64
    sub     x2, x2, #64
    subs    x3, x3, #64
    b.hs    1b
2:  tbz     x2, #5, 3f
.Lf8: ldtr x4, [x1]
.Lf9: ldtr x5, [x1, #8]
.Lf10: ldtr x6, [x1, #16]
.Lf11: ldtr x7, [x1, #24]
    stp     x4, x5, [x0]
    stp     x6, x7, [x0, #16]
    add     x0, x0, #32
    add     x1, x1, #32
    sub     x2, x2, #32
3:  tbz     x2, #4, 4f
.Lf12: ldtr x4, [x1]
.Lf13: ldtr x5, [x1, #8]
    stp     x4, x5, [x0], #16
    add     x1, x1, #16
    sub     x2, x2, #16
4:  tbz     x2, #3, 5f
.Lf14: ldtr x4, [x1]
    str     x4, [x0], #8
    add     x1, x1, #8
    sub     x2, x2, #8
5:  cbz     x2, 7f
6:
.Lf15: ldtrb w4, [x1]
    strb    w4, [x0], #1
    add     x1, x1, #1
    subs    x2, x2, #1
    b.ne    6b
7:  mov     x0, x2
    ret
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
    fixup   .Lf\n, 6b
    .endr
    fixup   .Lf15, 7b

    .global arch_copy_to_user
arch_copy_to_user:
    subs    x3, x2, #64
    b.lo    2f
1:  ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
    ldp     x8, x9, [x1, #32]
    ldp     x10, x11, [x1, #48]
.Lt0: sttr x4, [x0]
.Lt1: sttr x5, [x0, #8]
.Lt2: sttr x6, [x0, #16]
.Lt3: sttr x7, [x0, #24]
.Lt4: sttr x8, [x0, #32]
.Lt5: sttr x9, [x0, #40]
.Lt6: sttr x10, [x0, #48]
.Lt7: sttr x11, [x0, #56]
    add     x0, x0, #64
    add     x1, x1, #64
    sub     x2, x2, #64
    subs    x3, x3, #64
    b.hs    1b
2:  tbz     x2, #5, 3f
    ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
.Lt8: sttr x4, [x0]
.Lt9: sttr x5, [x0, #8]
.Lt10: sttr x6, [x0, #16]
.Lt11: sttr x7, [x0, #24]
    add     x0, x0, #32
    add     x1, x1, #32
    sub     x2, x2, #32
3:  tbz     x2, #4, 4f
    ldp     x4, x5, [x1]
.Lt12: sttr x4, [x0]
.Lt13: sttr x5, [x0, #8]
    add     x0, x0, #16
    add     x1, x1, #16
    sub     x2, x2, #16
4:  tbz     x2, #3, 5f
    ldr     x4, [x1]
.Lt14: sttr x4, [x0]
    add     x1, x1, #8
    add     x0, x0, #8
    sub     x2, x2, #8
5:  cbz     x2, 7f
6:  ldrb    w4, [x1], #1
.Lt15: sttrb w4, [x0]
    add     x0, x0, #1
    subs    x2, x2, #1
    b.ne    6b
7:  mov     x0, x2
    ret
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
    fixup   .Lt\n, 6b
    .endr
    fixup   .Lt15, 7b

/* uint64_t arch_register_read(const volatile void *address, uint32_t width)
 * The barrier orders the access before later reads of memory the device wrote. A register that does
 * not answer reads as all ones. */
    .global arch_register_read
arch_register_read:
    cmp     w1, #4
    b.eq    4f
    b.hi    8f
    cmp     w1, #2
    b.eq    2f
.Lr1: ldrb w0, [x0]
    b       9f
2:
.Lr2: ldrh w0, [x0]
    b       9f
4:
.Lr4: ldr  w0, [x0]
    b       9f
8:
.Lr8: ldr  x0, [x0]
9:  dmb     oshld
    ret
7:  mov     x0, #-1
    ret
    fixup .Lr1, 7b
    fixup .Lr2, 7b
    fixup .Lr4, 7b
    fixup .Lr8, 7b

/* void arch_register_write(volatile void *address, uint32_t width, uint64_t value)
 * The barrier orders earlier writes of memory the device will read before the access. */
    .global arch_register_write
arch_register_write:
    dmb     oshst
    cmp     w1, #4
    b.eq    4f
    b.hi    8f
    cmp     w1, #2
    b.eq    2f
.Lw1: strb w2, [x0]
    ret
2:
.Lw2: strh w2, [x0]
    ret
4:
.Lw4: str  w2, [x0]
    ret
8:
.Lw8: str  x2, [x0]
7:  ret
    fixup .Lw1, 7b
    fixup .Lw2, 7b
    fixup .Lw4, 7b
    fixup .Lw8, 7b
