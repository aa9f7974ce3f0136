/* Programs laid out: once per boot and file, shared by all processes that run them. */
#pragma once
#include "base.h"

enum program_form { PROGRAM_ELF = 1, PROGRAM_SCRIPT = 2 }; /* as open_program answers */

struct program {
    enum program_form form;
    struct sw_program program;
    handle_t memory[4]; /* as its segments name them; [0] is a script's text */
};

/* Reads the start handles: `code` (the authority to mint), and of the boot bundle's programs
 * `bundle`, `relocated`, `programs` where given. */
status_t program_start(void);

/* The program in a file, laid out on first use; stays ours. BAD_IMAGE: neither program nor script.
 * NOT_FOUND: the file has to be loaded first. */
status_t program_open(struct base *base, uint32_t inode, const struct program **out_program);

/* Our further handles to the content of a file that is laid out. */
uint32_t program_handles(const struct base *base, uint32_t inode);

/* Bytes of RAM program_trim would free now, the content of files aside. */
uint64_t program_cached(const struct base *base);

/* Lets go of all programs; the next open lays them out at the same bases. */
void program_trim(struct base *base);
