/* The account file: lines name:principal:session:caps:password:shell, `#` starts a comment.
 *
 * Pure. A line that is not well-formed is as if it were not there. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

#define ACCOUNT_NAME_MAX 32
#define ACCOUNT_RECORD_MAX 128 /* what libsodium takes, NUL included */
#define ACCOUNT_SHELL_MAX 256

struct account {
    uint32_t principal;
    uint32_t session; /* 0: the kernel numbers it */
    uint64_t caps;
    char record[ACCOUNT_RECORD_MAX]; /* "$argon2id$...", NUL-terminated */
    char shell[ACCOUNT_SHELL_MAX];   /* NUL-terminated */
};

/* Finds the account of a name in text, which ends at its first NUL or at size. Returns NOT_FOUND
 * without one. `all` and bits this build does not define become those it does. */
status_t account_find(const char *text, size_t size, const char *name, size_t name_length,
                      struct account *out_account);
