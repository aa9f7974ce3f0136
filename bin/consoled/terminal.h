/* The state of a terminal that outlives its server: pipes, modes, size, foreground job, typed and
 * not yet printed bytes. Handles lie in kept slots of the service's job, the rest in a vault
 * memory object. Each word of the vault carries its own check and is stored in one piece, bytes
 * before the word that counts them, so a death at any instruction leaves a state to go on with.
 * A record that had just been delivered at that moment is delivered twice rather than lost. */
#pragma once
#include "line.h"
#include <stdbool.h>
#include <stdint.h>
#include <swos/protocol.h>

#define TERMINAL_MODES (SW_TERMINAL_CANONICAL | SW_TERMINAL_ECHO | SW_TERMINAL_SIGNALS)

struct terminal_vault;

struct terminal {
    struct line line;
    uint32_t rows, columns;
    handle_t job;          /* whose kept slots are used */
    handle_t input_reader; /* the clients' ends, given out by open */
    handle_t output_writer;
    handle_t input_writer; /* ours */
    handle_t output_reader;
    handle_t foreground;               /* 0: nobody */
    uint32_t output_start, output_end; /* bytes of the vault's chunk not yet printed */
    uint64_t printed;                  /* bytes of output taken so far */
    struct terminal_vault *vault;
};

/* Finds what a predecessor left, or makes a new terminal. */
status_t terminal_start(struct terminal *terminal, handle_t job);

/* To be called after each change of the line. */
void terminal_save_line(struct terminal *terminal);

/* Delivers the complete record to the input pipe; false when that is full. */
bool terminal_deliver(struct terminal *terminal);

/* The next byte of output, if there is one. */
bool terminal_output(struct terminal *terminal, uint8_t *out_byte);

/* Output not yet taken: in the chunk and in the pipe. */
uint64_t terminal_unprinted(const struct terminal *terminal);

void terminal_set_mode(struct terminal *terminal, uint32_t mode);
void terminal_set_size(struct terminal *terminal, uint32_t rows, uint32_t columns);

/* Forgets typed input that no program has read. */
void terminal_flush_input(struct terminal *terminal);

/* Takes a copy of a job handle (0: nobody), or refuses it and keeps the present one. */
status_t terminal_set_foreground(struct terminal *terminal, handle_t job);

/* Ctrl-C: interrupts the foreground job; typed input is gone. */
void terminal_interrupt(struct terminal *terminal);
