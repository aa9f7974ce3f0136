/* A plugin of the emulator: how often the guest runs each block of instructions between two marks
 * (marks.h).
 *
 * At each end mark the emulator's log gets a line for every block that ran, and a last one:
 *
 *   block ADDRESS INSTRUCTIONS RUNS WORDS
 *   blocks
 *
 * ADDRESS is virtual, WORDS the block's first instructions: what reads this finds by them which
 * program it is (../profile.lua). A block that an exception leaves early counts as a whole. One CPU. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"

#define WORDS 8

/* A translation. The emulator counts in it as long as it has it, of which nobody tells us the end:
 * never freed. */
static struct block {
    struct block *next;
    uint64_t address, runs, runs_before;
    size_t count;
    uint32_t words[WORDS];
} * blocks;

static void begin(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    for (struct block *block = blocks; block; block = block->next)
        block->runs_before = block->runs;
}

static void end(unsigned cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    for (const struct block *block = blocks; block; block = block->next) {
        char line[160];
        int at;

        if (block->runs == block->runs_before)
            continue;
        at = snprintf(line, sizeof(line), "block %" PRIx64 " %zu %" PRIu64 " ", block->address,
                      block->count, block->runs - block->runs_before);
        for (size_t i = 0; i < block->count && i < WORDS; i++)
            at += snprintf(line + at, sizeof(line) - (size_t)at, "%08" PRIx32, block->words[i]);
        snprintf(line + at, sizeof(line) - (size_t)at, "\n");
        qemu_plugin_outs(line);
    }
    qemu_plugin_outs("blocks\n");
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    struct block *block = calloc(1, sizeof(*block));

    (void)id;
    if (!block)
        abort();
    block->address = qemu_plugin_tb_vaddr(tb);
    block->count = qemu_plugin_tb_n_insns(tb);
    block->next = blocks;
    blocks = block;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &block->runs, 1);
    for (size_t i = 0; i < block->count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

        if (i < WORDS)
            block->words[i] = instruction_word(insn);
        watch_mark(insn);
    }
}
