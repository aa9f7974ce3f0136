/* First instructions of every program. x0 start block, x1 info page, x2 heap base, x3 lowest stack
 * address; sp at the top of the stack. The image is already relocated. */
    .section .text._start, "ax"
    .globl _start
    .type _start, %function
    b .                     /* where process_divert sends a program that is to hang */
_start:
    mov x29, #0             /* ends a back-trace */
    mov x30, #0
    b crt_start
    .size _start, . - _start
