/* Programs laid out. See program.h. */
#include <stdlib.h>
#include <string.h>
#include <swos/layout.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/start.h>

#include "../keeper/bundle.h"
#include "elf.h"
#include "hash.h"
#include "program.h"

/* What who opens a file for execution gets: enough to make a process of it or to run it as a
 * script, not to copy it out (no READ). */
#define PROGRAM_RIGHTS                                                                             \
    (SW_RIGHT_MAP | SW_RIGHT_EXECUTE | SW_RIGHT_TRANSFER | SW_RIGHT_DUPLICATE | SW_RIGHT_INSPECT)

static handle_t code;           /* authority: mint executable memory */
static uint8_t boot_secret[32]; /* decides the bases of this boot */

static struct {
    const struct programs_entry *entries;
    uint32_t count;
    handle_t memory[2]; /* LAYOUT_BUNDLE, LAYOUT_RELOCATED */
} bundle;

/* The boot bundle's programs, for files that are the same. */
static void bundle_start(void)
{
    handle_t memory = sw_start_get("programs");
    const struct programs_header *header;
    uint64_t size, committed;
    uint32_t sealed;
    void *bytes;

    if (sw_handle_duplicate(sw_start_get("bundle"), PROGRAM_RIGHTS,
                            &bundle.memory[LAYOUT_BUNDLE]) != SW_OK ||
        sw_handle_duplicate(sw_start_get("relocated"), PROGRAM_RIGHTS & ~SW_RIGHT_EXECUTE,
                            &bundle.memory[LAYOUT_RELOCATED]) != SW_OK) {
        return; /* not given: every program comes from the image */
    }
    if (!memory || sw_memory_info(memory, &size, &committed, &sealed) != SW_OK ||
        sw_mapping_map(memory, 0, size, SW_MAP_READ, &bytes) != SW_OK) {
        return;
    }
    header = bytes;
    if (memcmp(header->magic, PROGRAMS_MAGIC, sizeof(header->magic)) == 0 &&
        header->version == PROGRAMS_VERSION &&
        header->entry_count <= (size - sizeof(*header)) / sizeof(struct programs_entry)) {
        bundle.entries = (const void *)(header + 1);
        bundle.count = header->entry_count;
    }
}

status_t program_start(void)
{
    code = sw_start_get("code");
    if (!code) {
        return SW_NOT_FOUND;
    }
    bundle_start();
    return sw_random(boot_secret, sizeof(boot_secret));
}

/* The base of a file's program: the same as often as it is laid out in this boot. */
static uint64_t program_base(uint32_t inode, uint64_t span)
{
    uint8_t message[sizeof(boot_secret) + sizeof(inode)], hash[HASH_SIZE];
    uint64_t word;

    memcpy(message, boot_secret, sizeof(boot_secret));
    memcpy(message + sizeof(boot_secret), &inode, sizeof(inode));
    hash_sha256(hash, message, sizeof(message));
    memcpy(&word, hash, sizeof(word));
    return sw_layout_base(span, word);
}

/* Makes program->memory[ELF_FILE], the executable handle to a file's content. */
static status_t mint(handle_t content, handle_t *out_executable)
{
    handle_t minted;
    status_t status = sw_memory_mint(code, content, &minted);

    if (status == SW_OK) {
        status = sw_handle_duplicate(minted, PROGRAM_RIGHTS, out_executable);
        sw_handle_close(minted);
    }
    return status;
}

static status_t lay_out(uint32_t inode, const uint8_t *file, size_t size, struct program *program)
{
    struct elf_plan plan;
    handle_t memory;
    void *pages;
    status_t status = elf_check(file, size, &plan);
    size_t relocated = plan.relocated_pages * (size_t)SW_PAGE;

    if (status != SW_OK) {
        return status;
    }
    if (relocated == 0) {
        return elf_lay_out(file, &plan, program_base(inode, plan.span), NULL, &program->program);
    }
    status = sw_mapping_create(relocated, 0, &pages, &memory);
    if (status != SW_OK) {
        return status;
    }
    status = elf_lay_out(file, &plan, program_base(inode, plan.span), pages, &program->program);
    sw_mapping_unmap(pages, relocated);
    if (status == SW_OK && (status = sw_memory_seal(memory)) == SW_OK) {
        /* Data only: nothing of it is ever mapped executable. */
        status = sw_handle_duplicate(memory, PROGRAM_RIGHTS & ~SW_RIGHT_EXECUTE,
                                     &program->memory[ELF_RELOCATED]);
    }
    sw_handle_close(memory);
    return status;
}

/* The program of the boot bundle that was made from the same file. */
static bool find_in_bundle(const struct image_inode *inode, struct program *program)
{
    for (uint32_t i = 0; i < bundle.count; i++) {
        if (memcmp(bundle.entries[i].hash, inode->hash, sizeof(inode->hash)) == 0) {
            program->form = PROGRAM_ELF;
            program->program = bundle.entries[i].program;
            memcpy(program->memory, bundle.memory, sizeof(bundle.memory));
            return true;
        }
    }
    return false;
}

static status_t make(struct base *base, uint32_t number, struct program *program)
{
    const struct image_inode *inode = &base->image.inodes[number];
    handle_t content;
    void *file;
    status_t status;

    if (inode->size == 0) {
        return SW_BAD_IMAGE;
    }
    if (find_in_bundle(inode, program)) {
        return SW_OK;
    }
    status = base_content(base, number, EXTENT_WHOLE, &content);
    if (status != SW_OK) {
        return status;
    }
    status = sw_mapping_map(content, 0, inode->size, SW_MAP_READ, &file);
    if (status != SW_OK) {
        return status;
    }
    if (elf_recognize(file, inode->size)) {
        program->form = PROGRAM_ELF;
        status = lay_out(number, file, inode->size, program);
        memcpy(&program->program.identity, inode->hash, sizeof(program->program.identity));
    } else {
        program->form = PROGRAM_SCRIPT; /* what may run it is the caller's to say */
    }
    sw_mapping_unmap(file, inode->size);
    if (status == SW_OK) {
        status = mint(content, &program->memory[ELF_FILE]);
    }
    return status;
}

/* False: its memory is the boot bundle's. */
static bool is_own(const struct program *program)
{
    return program->memory[0] != bundle.memory[0] || bundle.memory[0] == 0;
}

static void destroy(struct program *program)
{
    if (is_own(program)) {
        for (int i = 0; i < 4; i++) {
            if (program->memory[i]) {
                sw_handle_close(program->memory[i]);
            }
        }
    }
    free(program);
}

status_t program_open(struct base *base, uint32_t inode, const struct program **out_program)
{
    struct program *program = base->programs[inode];
    status_t status;

    if (!program) {
        program = calloc(1, sizeof(*program));
        if (!program) {
            return SW_NO_MEMORY;
        }
        status = make(base, inode, program);
        if (status != SW_OK) {
            destroy(program);
            return status;
        }
        base->programs[inode] = program;
    }
    *out_program = program;
    return SW_OK;
}

uint32_t program_handles(const struct base *base, uint32_t inode)
{
    const struct program *program = base->programs[inode];

    return program && is_own(program) && program->memory[ELF_FILE];
}

uint64_t program_cached(const struct base *base)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < base->image.super.inode_count; i++) {
        const struct program *program = base->programs[i];

        if (program && is_own(program) && program->memory[ELF_RELOCATED]) {
            bytes += base_freeable(program->memory[ELF_RELOCATED], 1);
        }
    }
    return bytes;
}

void program_trim(struct base *base)
{
    for (uint32_t i = 0; i < base->image.super.inode_count; i++) {
        if (base->programs[i]) {
            destroy(base->programs[i]);
            base->programs[i] = NULL;
        }
    }
}
