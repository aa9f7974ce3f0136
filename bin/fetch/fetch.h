/* fetch's parts. */
#pragma once
#include "http.h"
#include <sodium/crypto_hash_sha256.h>
#include <stdio.h>

enum { DIGITS = 2 * crypto_hash_sha256_BYTES };

/* ---- main.c */

/* Says what is wrong with what: "fetch: WHAT: TEXT". */
__attribute__((format(printf, 2, 3))) void complain(const char *what, const char *text, ...);

/* ---- connection.c: a request and its answer, with a time limit for each piece. Later TLS goes here. */

/* Connects to the host and sends the request. False: complained. */
bool connection_open(const struct http_url *url, const char *shown, const char *request);
/* The next bytes, at most *out_length; 0 at the end. False: *out_why says why they do not come. */
bool connection_read(char *buffer, size_t capacity, size_t *out_length, const char **out_why);
void connection_close(void);

/* ---- progress.c: a line on the terminal, redrawn a few times a second */

/* begin: bytes there were before; whole: HTTP_UNKNOWN, or bytes there will be. */
void progress_start(const char *name, uint64_t begin, uint64_t whole);
void progress_show(uint64_t size);
void progress_end(uint64_t size);

/* ---- target.c: where the bytes go, and what a later fetch needs to go on
 *
 * FILE.part has the bytes so far, FILE.part.from the address they are of and the validator the server
 * gave them; both are there until the file is whole and its checksum right. So FILE is always whole. */

struct target {
    const char *name; /* NULL: standard output */
    FILE *file;
    uint64_t size; /* bytes in it, all of them hashed */
    char validator[HTTP_VALIDATOR_MOST];
    crypto_hash_sha256_state hash;
};

/* Takes up what an earlier fetch of the same address left, or begins anew. False: complained. */
bool target_open(struct target *target, const char *name, const char *address, bool resume);
/* The bytes are not those of a version the server has now: begins anew. */
bool target_restart(struct target *target);
/* Notes the validator of what is to come. */
bool target_begin(struct target *target, const char *address, const char *validator);
bool target_write(struct target *target, const char *bytes, size_t length);
/* All is there: compares the checksum (NULL: none is wanted) and gives the file its name. */
bool target_finish(struct target *target, const char *address, const char *sum);
/* Leaves what there is, for a later fetch. */
void target_leave(struct target *target);
