/* Thread-local storage of a static program: variant I of the ELF TLS ABI for AArch64.
 *
 * TPIDR_EL0 points at a 16-byte thread control block, which nothing here uses; the program's TLS
 * block follows at the first multiple of its alignment. */
#include <elf.h>
#include <string.h>
#include <swos/thread.h>

#define CONTROL_BLOCK 16
#define AREA_ALIGNMENT 64

/* The linker puts this symbol at the ELF header, which lies in the first segment. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static const Elf64_Phdr *tls_header(void)
{
    const Elf64_Phdr *header = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++)
        if (header[i].p_type == PT_TLS)
            return &header[i];
    return NULL;
}

static size_t block_offset(const Elf64_Phdr *tls)
{
    size_t align = tls->p_align ? tls->p_align : 1;
    if (align > AREA_ALIGNMENT)
        __builtin_trap(); /* nothing of ours asks for it, and misaligned data would be worse */
    return (CONTROL_BLOCK + align - 1) & ~(align - 1);
}

size_t sw_tls_size(void)
{
    const Elf64_Phdr *tls = tls_header();
    size_t size = tls ? block_offset(tls) + tls->p_memsz : CONTROL_BLOCK;
    return (size + AREA_ALIGNMENT - 1) & ~(size_t)(AREA_ALIGNMENT - 1);
}

uintptr_t sw_tls_init(void *area)
{
    const Elf64_Phdr *tls = tls_header();
    memset(area, 0, CONTROL_BLOCK);
    if (tls) {
        char *block = (char *)area + block_offset(tls);
        memcpy(block, (const char *)&__ehdr_start + tls->p_vaddr, tls->p_filesz);
        memset(block + tls->p_filesz, 0, tls->p_memsz - tls->p_filesz);
    }
    return (uintptr_t)area;
}
