/* The boot bundle, a part of the kernel image (docs/architecture.md has its format). */
    .section .bundle, "a"
    .balign 4096
    .global bundle_start, bundle_end
bundle_start:
    .incbin "bundle.img"
    .balign 4096
bundle_end:
