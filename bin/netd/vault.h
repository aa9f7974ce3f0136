/* What netd leaves to its successor: in the kept slots of its service's job the vault (records of
 * sockets, addresses), and in those of jobs below it, made for nothing else, the memory and the event
 * of each socket. */
#pragma once
#include "record.h"

#define VAULT_SOCKET_BITS 13
#define VAULT_SOCKETS (1u << VAULT_SOCKET_BITS)

/* Finds or makes the vault. *out_found: a predecessor's. */
status_t vault_open(bool *out_found);

/* Record `index`, below VAULT_SOCKETS. */
struct record *vault_record(uint32_t index);

/* Keeps the handles of socket `index`, both copied; 0: none. */
status_t vault_keep(uint32_t index, handle_t memory, handle_t event);
/* Other memory instead of what is kept, in one step: whenever netd dies one of both is found. */
status_t vault_keep_memory(uint32_t index, handle_t memory);
/* Lets them go. */
void vault_drop(uint32_t index);
void vault_drop_memory(uint32_t index);
/* Handles to what is kept, the caller's to close; 0: nothing is. */
void vault_kept(uint32_t index, handle_t *out_memory, handle_t *out_event);
/* The first socket from `index` on of which anything may be kept; VAULT_SOCKETS: none. Records of others
 * are free, and were never touched. */
uint32_t vault_next(uint32_t index);

/* To be called before a record is made use of, and with VAULT_SOCKETS when all are. False: netd died
 * several times just there, leave it out. */
bool vault_try(uint32_t index);

/* A note of at most NOTE_MOST bytes. */
void vault_note_put(const void *bytes, size_t length);
bool vault_note_get(void *bytes, size_t length);

/* Whether a server has set the clock, so that a successor does not believe the next one whatever it says. */
bool vault_clock_is_set(void);
void vault_clock_put(bool is_set);
