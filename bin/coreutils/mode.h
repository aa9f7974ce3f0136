#pragma once
#include <stdbool.h>
#include <stdint.h>

/* An octal mode, or clauses as u+x,go=r, which change `mode`. X: what a directory and what is executable
 * already gets. False: neither. */
bool mode_apply(const char *text, uint32_t mode, bool is_directory, uint32_t *out_mode);
