/* The line discipline: turns typed bytes into records and echo, one byte at a time.
 *
 * Pure: it touches no device and no pipe. Whoever drives it asks line_accepts() before each
 * byte, delivers a complete record and says line_taken(), and shows what line_echo() yields.
 * Memory is bounded because it accepts nothing while a record or much echo is waiting; and nothing
 * while it is held. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES 4096 /* a longer line is delivered in pieces of this size */
#define LINE_ECHO 64

enum line_action {
    LINE_NOTHING,
    LINE_RECORD,    /* buffer[0..length) is a record; length 0: end of file */
    LINE_INTERRUPT, /* Ctrl-C; what was typed is gone */
    LINE_STOP,      /* Ctrl-Z, the same */
};

struct line {
    uint32_t mode;       /* SW_TERMINAL_* */
    uint32_t length;     /* bytes gathered */
    bool stops;          /* there is a job that Ctrl-Z stops; without one it does nothing */
    bool complete;       /* they are a record waiting to be delivered */
    bool held;           /* SW_TERMINAL_HOLD: nothing is taken until the modes are set */
    uint32_t sum;        /* of buffer[0..length), see line_sum() */
    uint8_t *buffer;     /* LINE_BYTES of the caller's */
    uint32_t column;     /* where the terminal's cursor is, echo waiting included */
    uint32_t start;      /* column at which the line being typed began */
    uint32_t erase;      /* columns still to be rubbed out, after the echo waiting */
    uint32_t erase_step; /* bytes of the present column's rub-out already taken */
    uint32_t echo_head, echo_count;
    uint8_t echo[LINE_ECHO];
};

/* Starts with what a predecessor left in the buffer: length bytes, complete or not. */
void line_start(struct line *line, uint8_t *buffer, uint32_t mode, uint32_t length, bool complete);

/* Whether the next byte may be put in. */
bool line_accepts(const struct line *line);

/* Takes a byte; only while line_accepts(). */
enum line_action line_input(struct line *line, uint8_t byte);

/* Without canonical mode: what was gathered becomes a record. True if there is one. */
bool line_flush(struct line *line);

/* The record was delivered, or what was typed is to be forgotten. */
void line_taken(struct line *line);

/* Whether echo waits, and the next byte of it ('\n' stands for a new line). */
bool line_echo_waits(const struct line *line);
uint8_t line_echo(struct line *line);

/* A checksum of typed bytes that grows and shrinks with them. */
uint32_t line_sum(const uint8_t *bytes, uint32_t length);

/* The cursor's column after byte is shown at column. */
uint32_t column_after(uint32_t column, uint8_t byte);
