/* The state of a terminal that outlives its server: pipes, modes, size, foreground job, typed and
 * not yet printed bytes. Handles lie in kept slots of the service's job, the rest in a vault
 * memory object. Each word of the vault carries its own check and is stored in one piece, bytes
 * before the word that counts them, so a death at any instruction leaves a state to go on with.
 *
 * What goes through a pipe goes once: the vault says how far the pipe had come before each move
 * (`delivered`, `taken`), the kernel how far it has come now, and the difference tells a successor
 * whether the move was made. A typed byte, of the UART or of the keyboard's pipe, is taken into the
 * vault itself, numbered; the line's word says up to which number they are in the line. A byte of
 * output is noted as printed by the call that sends it. What a death may lose is echo; a Ctrl-C or
 * Ctrl-Z is passed on before it counts as taken, so a successor may do it again, which changes
 * nothing for a job that is stopped, and never forgets one. */
#pragma once
#include "line.h"
#include <stdbool.h>
#include <stdint.h>
#include <swos/protocol.h>

#define TERMINAL_MODES                                                                             \
    (SW_TERMINAL_CANONICAL | SW_TERMINAL_ECHO | SW_TERMINAL_SIGNALS | SW_TERMINAL_HOLD)

#define TERMINAL_NO_KEY 0xffu /* the keyboard's text is UTF-8, which has no such byte */

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
    uint32_t foreground_flags;         /* SW_FOREGROUND_* */
    uint32_t interrupts;               /* Ctrl-C so far */
    uint32_t output_start, output_end; /* bytes of the vault's chunk not yet printed */
    bool returned;                     /* '\r' was sent for the '\n' that is next of them */
    uint64_t printed;                  /* bytes of output sent so far */
    uint32_t received;                 /* bytes of the UART in the line, modulo RECEIVED */
    uint32_t delivered;                /* bytes ever put into the input pipe, modulo 2^32 */
    uint32_t taken;                    /* bytes ever taken from the output pipe, modulo 2^32 */
    struct terminal_vault *vault;
};

/* Finds what a predecessor left, or makes a new terminal. */
status_t terminal_start(struct terminal *terminal, handle_t job);

/* To be called after each change of the line. */
void terminal_save_line(struct terminal *terminal);

/* Where the next byte is to be taken to, the UART's or, as the first byte of `value`, one of the
 * keyboard; what is there from before is forgotten. */
struct sw_device_taken *terminal_take(struct terminal *terminal);

/* The byte taken there is in the line as soon as that is saved next. */
void terminal_received(struct terminal *terminal);

/* What a predecessor took and did not bring into the line; NULL: nothing. */
const struct sw_device_taken *terminal_left(const struct terminal *terminal);

/* Delivers the complete record to the input pipe; false when that is full. */
bool terminal_deliver(struct terminal *terminal);

/* The next byte of output, if there is one; it stays the next one until it was sent. */
bool terminal_output(struct terminal *terminal, uint8_t *out_byte);

/* What is to be noted as that byte is sent, or the '\r' that goes before it (is_return). */
struct terminal_note {
    _Atomic uint64_t *at;
    uint64_t word;
};
struct terminal_note terminal_output_note(struct terminal *terminal, bool is_return);
/* It was sent and noted. */
void terminal_output_sent(struct terminal *terminal, bool is_return);

/* Output not yet taken: in the chunk and in the pipe. */
uint64_t terminal_unprinted(const struct terminal *terminal);

void terminal_set_mode(struct terminal *terminal, uint32_t mode);
void terminal_set_size(struct terminal *terminal, uint32_t rows, uint32_t columns);

/* Forgets typed input that no program has read. */
void terminal_flush_input(struct terminal *terminal);

/* Takes a copy of a job handle (0: nobody), or refuses it and keeps the present one. inherits: it
 * is interrupted before it can read, as a Ctrl-C was meant for it before it was there. */
status_t terminal_set_foreground(struct terminal *terminal, handle_t job, uint32_t flags,
                                 bool inherits);

/* Ctrl-C interrupts the foreground job, Ctrl-Z stops it; typed input is gone. */
void terminal_interrupt(struct terminal *terminal);
void terminal_stop(struct terminal *terminal);
