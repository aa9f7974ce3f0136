/* What the plugins share: the interface of plugins, the marks, and the one thing a plugin is asked for.
 *
 * The guest marks the beginning and the end of what is measured by two hint instructions that mean
 * nothing to a CPU (bench.c).
 *
 * The interface of plugins is the emulator's, version 1, declared here as far as it is used; the
 * functions are found in the emulator when it loads a plugin. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
enum { CALLBACK_NO_REGISTERS = 0, ACCESS_READ_WRITE = 3, INLINE_ADD = 0 };

extern int qemu_plugin_version;
int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*translated)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation,
                                              void *number, uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*executed)(unsigned, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*accessed)(unsigned, uint32_t, uint64_t, void *),
                                      int flags, int kind, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);
void qemu_plugin_outs(const char *text);

int qemu_plugin_version = 1;

#define MARK_BEGIN 0xd5032e1fu /* hint #0x70 */
#define MARK_END 0xd5032e3fu   /* hint #0x71 */

/* The plugin's: looks at a translation, and what it does at the marks. */
static void translated(uint64_t id, struct qemu_plugin_tb *tb);
static void begin(unsigned cpu, void *unused);
static void end(unsigned cpu, void *unused);

static uint32_t instruction_word(const struct qemu_plugin_insn *insn)
{
    uint32_t word;

    memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
    return word;
}

/* Calls begin or end whenever the instruction runs, if it is a mark. */
static void watch_mark(struct qemu_plugin_insn *insn)
{
    uint32_t word = instruction_word(insn);

    if (word == MARK_BEGIN)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, CALLBACK_NO_REGISTERS, NULL);
    else if (word == MARK_END)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, end, CALLBACK_NO_REGISTERS, NULL);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
