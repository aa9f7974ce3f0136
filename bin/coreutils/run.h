#pragma once
#include <stdbool.h>

/* Runs a program, searched in PATH unless its name has a slash, with NULL-terminated words; environment
 * NULL: the own. Its exit status; 127 when it is not there, 126 when it cannot be started, both said. */
int run_program(const char *const *words, const char *const *environment);

/* Value of a variable of a NULL-terminated environment, NULL when it is not there. */
const char *variable_of(const char *const *environment, const char *name);

/* The own environment, NULL-terminated; to be freed, its strings not. */
const char **own_environment(void);

/* What words a program can be started with for certain may take together: of 64 KiB the rest is for the
 * environment. */
#define RUN_WORDS_MAX (48 * 1024)
/* What a word takes: its bytes, and its entry in the start block. */
#define RUN_WORD_SIZE(length) ((length) + 1 + 8)
