/* A plugin of the emulator: how often the guest runs each block of instructions between two marks
 * (pages.c says what marks are).
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

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CALLBACK_NO_REGISTERS = 0, INLINE_ADD = 0 };

extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*translated)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation,
                                              void *number, uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*executed)(unsigned, void *), int flags,
                                            void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
void qemu_plugin_outs(const char *text);

int qemu_plugin_version = 1;

#define MARK_BEGIN 0xd5032e1fu /* hint #0x70 */
#define MARK_END 0xd5032e3fu   /* hint #0x71 */
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
        uint32_t word;

        memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
        if (i < WORDS)
            block->words[i] = word;
        if (word == MARK_BEGIN)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, CALLBACK_NO_REGISTERS, NULL);
        else if (word == MARK_END)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, end, CALLBACK_NO_REGISTERS, NULL);
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
