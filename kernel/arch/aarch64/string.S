/* memcpy, memmove and memset for the kernel: no FP registers, unaligned accesses allowed, cached
 * memory only. */
    .section .text.fast, "ax"
    .global memcpy, memmove, memset

memmove:
    sub     x3, x0, x1
    cmp     x3, x2
    b.lo    copy_backward                 /* to lies inside [from, from + length) */
memcpy:
    mov     x3, x0
    subs    x2, x2, #64
    b.lo    2f
1:  ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
    ldp     x8, x9, [x1, #32]
    ldp     x10, x11, [x1, #48]
    add     x1, x1, #64
    stp     x4, x5, [x3]
    stp     x6, x7, [x3, #16]
    stp     x8, x9, [x3, #32]
    stp     x10, x11, [x3, #48]
    add     x3, x3, #64
    subs    x2, x2, #64
    b.hs    1b
2:  tbz     x2, #5, 3f
    ldp     x4, x5, [x1]
    ldp     x6, x7, [x1, #16]
    add     x1, x1, #32
    stp     x4, x5, [x3]
    stp     x6, x7, [x3, #16]
    add     x3, x3, #32
3:  tbz     x2, #4, 4f
    ldp     x4, x5, [x1], #16
    stp     x4, x5, [x3], #16
4:  tbz     x2, #3, 5f
    ldr     x4, [x1], #8
    str     x4, [x3], #8
5:  tbz     x2, #2, 6f
    ldr     w4, [x1], #4
    str     w4, [x3], #4
6:  tbz     x2, #1, 7f
    ldrh    w4, [x1], #2
    strh    w4, [x3], #2
7:  tbz     x2, #0, 8f
    ldrb    w4, [x1]
    strb    w4, [x3]
8:  ret

copy_backward:
    cbz     x3, 3f                        /* same place */
    add     x1, x1, x2
    add     x3, x0, x2
    subs    x2, x2, #8
    b.lo    2f
1:  ldr     x4, [x1, #-8]!
    str     x4, [x3, #-8]!
    subs    x2, x2, #8
    b.hs    1b
2:  adds    x2, x2, #8
    b.eq    3f
4:  ldrb    w4, [x1, #-1]!
    strb    w4, [x3, #-1]!
    subs    x2, x2, #1
    b.ne    4b
3:  ret

memset:
    and     x1, x1, #255
    mov     x3, x0
    mov     x4, #0x0101010101010101
    mul     x1, x1, x4
    cbnz    x1, 2f
    cmp     x2, #256
    b.lo    2f
    mrs     x4, dczid_el0
    tbnz    x4, #4, 2f                    /* DC ZVA is prohibited */
    and     x4, x4, #15                   /* log2 of a block's words */
    mov     x5, #4
    lsl     x5, x5, x4
    sub     x6, x5, #1
    /* Up to the first block boundary, then whole blocks. */
1:  tst     x3, x6
    b.eq    3f
    strb    wzr, [x3], #1
    sub     x2, x2, #1
    b       1b
3:  cmp     x2, x5
    b.lo    2f
    dc      zva, x3
    add     x3, x3, x5
    sub     x2, x2, x5
    b       3b
2:  subs    x2, x2, #32
    b.lo    5f
4:  stp     x1, x1, [x3]
    stp     x1, x1, [x3, #16]
    add     x3, x3, #32
    subs    x2, x2, #32
    b.hs    4b
5:  tbz     x2, #4, 6f
    stp     x1, x1, [x3], #16
6:  tbz     x2, #3, 7f
    str     x1, [x3], #8
7:  tbz     x2, #2, 8f
    str     w1, [x3], #4
8:  tbz     x2, #1, 9f
    strh    w1, [x3], #2
9:  tbz     x2, #0, 10f
    strb    w1, [x3]
10: ret
