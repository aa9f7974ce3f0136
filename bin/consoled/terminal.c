/* The state of a terminal that outlives its server; see terminal.h. */
#include "terminal.h"
#include <stdatomic.h>
#include <string.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/status.h>

#define PIPE_BYTES 16384
#define OUTPUT_BYTES 2048
#define DEFAULT_MODE (SW_TERMINAL_CANONICAL | SW_TERMINAL_ECHO | SW_TERMINAL_SIGNALS)

enum slot {
    SLOT_VAULT, /* kept last: with it the others are there too */
    SLOT_INPUT_READER,
    SLOT_INPUT_WRITER,
    SLOT_OUTPUT_READER,
    SLOT_OUTPUT_WRITER,
    SLOT_FOREGROUND,
};

/* Of the foreground's word, besides SW_FOREGROUND_*: a Ctrl-C found nobody there. */
#define MISSED 0x10000u

/* Words hold a value in the low half and its check in the upper half. */
struct terminal_vault {
    uint64_t version;
    _Atomic uint64_t mode;
    _Atomic uint64_t size;       /* rows | columns << 16 */
    _Atomic uint64_t line;       /* length | held << 15 | complete << 16 | received << 17; the check
                                    covers the bytes too */
    _Atomic uint64_t output;     /* start | returned << 15 | end << 16; 0: no chunk, or one that was
                                   just taken */
    _Atomic uint64_t delivered;  /* of the input pipe, before the record in line_bytes */
    _Atomic uint64_t taken;      /* of the output pipe, before the chunk in output_bytes */
    _Atomic uint64_t foreground; /* flags of the job in its slot */
    _Atomic uint64_t interrupts; /* Ctrl-C so far */
    _Atomic uint64_t receiving;  /* the number of the UART's byte that goes to `byte` */
    struct sw_device_taken byte;
    uint8_t line_bytes[LINE_BYTES];
    uint8_t output_bytes[OUTPUT_BYTES];
};

#define VAULT_VERSION 0x35304d5245545753ull /* "SWTERM05" */
#define RECEIVED 0x8000u                    /* numbers of the UART's bytes go round */

static uint32_t word_check(uint32_t value, uint32_t salt)
{
    uint64_t mixed = ((uint64_t)value << 32 | salt) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) ^ 0x5157ea11u;
}

static uint64_t word_seal(uint32_t value, uint32_t salt)
{
    return value | (uint64_t)word_check(value, salt) << 32;
}

/* The release keeps the bytes a word counts in front of it; it pairs with the successor's first
 * look, which the kernel's switch of processes orders behind it. */
static void word_put(_Atomic uint64_t *word, uint32_t value, uint32_t salt)
{
    atomic_store_explicit(word, word_seal(value, salt), memory_order_release);
}

static bool word_is_good(uint64_t word, uint32_t salt)
{
    return word >> 32 == word_check((uint32_t)word, salt);
}

/* ------------------------------------------------------------------ start */

static void save_modes(struct terminal *terminal)
{
    word_put(&terminal->vault->mode, terminal->line.mode, 0);
    word_put(&terminal->vault->size, terminal->rows | terminal->columns << 16, 0);
}

static void save_foreground(struct terminal *terminal, uint32_t flags)
{
    terminal->foreground_flags = flags;
    terminal->line.stops = flags & SW_FOREGROUND_STOPS;
    word_put(&terminal->vault->foreground, flags, 0);
}

static uint32_t output_value(uint32_t start, bool returned, uint32_t end)
{
    return start | (uint32_t)returned << 15 | end << 16;
}

static void save_output(struct terminal *terminal)
{
    word_put(&terminal->vault->output,
             output_value(terminal->output_start, terminal->returned, terminal->output_end), 0);
}

static void save_delivered(struct terminal *terminal)
{
    word_put(&terminal->vault->delivered, terminal->delivered, 0);
}

static void save_taken(struct terminal *terminal)
{
    word_put(&terminal->vault->taken, terminal->taken, 0);
}

/* Bytes ever put into a pipe, and ever taken out of it, modulo 2^32. */
static void pipe_progress(handle_t pipe, uint32_t *out_put, uint32_t *out_taken)
{
    uint64_t bytes = 0, capacity, taken = 0;
    uint32_t flags;
    sw_pipe_info(pipe, &bytes, &capacity, &flags, &taken);
    *out_taken = (uint32_t)taken;
    *out_put = (uint32_t)(taken + bytes);
}

/* Finishes what the predecessor began: the record it had just delivered is not delivered again,
 * the chunk it had just taken is there. */
static void pipes_load(struct terminal *terminal)
{
    struct terminal_vault *vault = terminal->vault;
    uint64_t delivered = vault->delivered, taken = vault->taken;
    uint32_t other;
    pipe_progress(terminal->input_writer, &terminal->delivered, &other);
    pipe_progress(terminal->output_reader, &other, &terminal->taken);
    if (word_is_good(delivered, 0) && terminal->line.complete &&
        (uint32_t)delivered != terminal->delivered) {
        line_taken(&terminal->line);
        terminal_save_line(terminal);
    }
    save_delivered(terminal);
    uint32_t chunk = terminal->taken - (uint32_t)taken;
    if (word_is_good(taken, 0) && terminal->output_end == 0 && chunk <= OUTPUT_BYTES)
        terminal->output_end = chunk;
    /* The chunk's word first: `taken` counts only while that is 0. */
    save_output(terminal);
    save_taken(terminal);
}

/* Typed input is for the foreground: a job that goes on in the background must not take what is
 * typed for the shell. */
static status_t admit_foreground(struct terminal *terminal)
{
    bool directly = terminal->foreground_flags & SW_FOREGROUND_DIRECTLY;
    return sw_pipe_admit(terminal->input_writer, terminal->foreground,
                         directly ? SW_PIPE_DIRECTLY : 0);
}

/* Takes over each word that stands its check; what does not starts afresh. */
static void vault_load(struct terminal *terminal)
{
    struct terminal_vault *vault = terminal->vault;
    uint64_t mode = vault->mode, size = vault->size, line = vault->line, output = vault->output;
    uint64_t foreground = vault->foreground;
    uint32_t length = line & 0x7fff;
    bool line_is_good =
        length <= LINE_BYTES && word_is_good(line, line_sum(vault->line_bytes, length));
    bool mode_is_good = word_is_good(mode, 0) && !((uint32_t)mode & ~TERMINAL_MODES);

    line_start(&terminal->line, vault->line_bytes, mode_is_good ? (uint32_t)mode : DEFAULT_MODE,
               line_is_good ? length : 0, line_is_good && (line >> 16 & 1));
    terminal->line.held = line_is_good && (line >> 15 & 1);
    terminal->received = line_is_good ? (uint32_t)line >> 17 : 0;
    terminal->rows = 24;
    terminal->columns = 80;
    if (word_is_good(size, 0)) {
        terminal->rows = size & 0xffff;
        terminal->columns = size >> 16 & 0xffff;
    }
    if (word_is_good(output, 0) && (output & 0x7fff) <= (output >> 16 & 0xffff) &&
        (output >> 16 & 0xffff) <= OUTPUT_BYTES) {
        terminal->output_start = output & 0x7fff;
        terminal->returned = output >> 15 & 1;
        terminal->output_end = output >> 16 & 0xffff;
    }
    save_foreground(terminal,
                    word_is_good(foreground, 0) ? (uint32_t)foreground : SW_FOREGROUND_DIRECTLY);
    uint64_t interrupts = vault->interrupts;
    terminal->interrupts = word_is_good(interrupts, 0) ? (uint32_t)interrupts : 0;
    if (!line_is_good || !mode_is_good)
        sw_log(SW_LOG_WARNING, "the kept state was damaged; typed input or modes are reset");
}

static status_t vault_map(struct terminal *terminal, handle_t memory)
{
    void *address = NULL;
    status_t status = sw_mapping_map(memory, 0, sizeof(struct terminal_vault),
                                     SW_MAP_READ | SW_MAP_WRITE, &address);
    terminal->vault = address;
    return status;
}

static status_t start_again(struct terminal *terminal, handle_t memory)
{
    handle_t job = terminal->job;
    status_t status;
    if ((status = vault_map(terminal, memory)) != SW_OK ||
        (status = sw_job_kept(job, SLOT_INPUT_READER, &terminal->input_reader)) != SW_OK ||
        (status = sw_job_kept(job, SLOT_INPUT_WRITER, &terminal->input_writer)) != SW_OK ||
        (status = sw_job_kept(job, SLOT_OUTPUT_READER, &terminal->output_reader)) != SW_OK ||
        (status = sw_job_kept(job, SLOT_OUTPUT_WRITER, &terminal->output_writer)) != SW_OK)
        return status;
    sw_job_kept(job, SLOT_FOREGROUND, &terminal->foreground); /* NOT_FOUND: nobody */
    if (terminal->vault->version != VAULT_VERSION) {
        memset(terminal->vault, 0, sizeof(*terminal->vault));
        terminal->vault->version = VAULT_VERSION;
    }
    vault_load(terminal);
    pipes_load(terminal);
    return admit_foreground(terminal);
}

/* One end for the clients, with the rights a program needs of its standard input or output. */
static status_t restrict_end(handle_t *end, uint32_t right)
{
    handle_t whole = *end;
    uint32_t rights = right | SW_RIGHT_BIND | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER;
    status_t status = sw_handle_duplicate(whole, rights, end);
    sw_handle_close(whole);
    return status;
}

static status_t start_first(struct terminal *terminal)
{
    handle_t job = terminal->job, memory = 0;
    size_t size = sizeof(struct terminal_vault);
    status_t status;
    if ((status = sw_memory_create(size, SW_MEMORY_COMMIT, &memory)) != SW_OK ||
        (status = vault_map(terminal, memory)) != SW_OK ||
        (status = sw_pipe_create(PIPE_BYTES, SW_PIPE_RECORDS, &terminal->input_reader,
                                 &terminal->input_writer)) != SW_OK ||
        (status = sw_pipe_create(PIPE_BYTES, 0, &terminal->output_reader,
                                 &terminal->output_writer)) != SW_OK ||
        (status = restrict_end(&terminal->input_reader, SW_RIGHT_READ)) != SW_OK ||
        (status = restrict_end(&terminal->output_writer, SW_RIGHT_WRITE)) != SW_OK)
        return status;

    terminal->vault->version = VAULT_VERSION;
    terminal->rows = 24;
    terminal->columns = 80;
    line_start(&terminal->line, terminal->vault->line_bytes, DEFAULT_MODE, 0, false);
    save_modes(terminal);
    save_foreground(terminal, 0);
    save_output(terminal);
    save_delivered(terminal);
    save_taken(terminal);
    terminal_save_line(terminal);

    if ((status = sw_job_keep(job, SLOT_INPUT_READER, terminal->input_reader)) != SW_OK ||
        (status = sw_job_keep(job, SLOT_INPUT_WRITER, terminal->input_writer)) != SW_OK ||
        (status = sw_job_keep(job, SLOT_OUTPUT_READER, terminal->output_reader)) != SW_OK ||
        (status = sw_job_keep(job, SLOT_OUTPUT_WRITER, terminal->output_writer)) != SW_OK ||
        (status = sw_job_keep(job, SLOT_VAULT, memory)) != SW_OK)
        return status;
    return sw_handle_close(memory);
}

status_t terminal_start(struct terminal *terminal, handle_t job)
{
    memset(terminal, 0, sizeof(*terminal));
    terminal->job = job;
    handle_t memory = 0;
    status_t status = sw_job_kept(job, SLOT_VAULT, &memory);
    if (status == SW_NOT_FOUND)
        return start_first(terminal);
    if (status == SW_OK) {
        status = start_again(terminal, memory);
        sw_handle_close(memory);
    }
    return status;
}

/* ------------------------------------------------------------------ input */

void terminal_save_line(struct terminal *terminal)
{
    const struct line *line = &terminal->line;
    word_put(&terminal->vault->line,
             line->length | (uint32_t)line->held << 15 | (uint32_t)line->complete << 16 |
                 terminal->received << 17,
             line->sum);
}

/* No byte first, then its number: a number never has a byte of another. */
struct sw_device_taken *terminal_take(struct terminal *terminal)
{
    struct terminal_vault *vault = terminal->vault;
    vault->byte = (struct sw_device_taken){ .value = TERMINAL_NO_KEY };
    word_put(&vault->receiving, (terminal->received + 1) % RECEIVED, 0);
    return &vault->byte;
}

void terminal_received(struct terminal *terminal)
{
    terminal->received = (terminal->received + 1) % RECEIVED;
}

const struct sw_device_taken *terminal_left(const struct terminal *terminal)
{
    const struct terminal_vault *vault = terminal->vault;
    uint64_t receiving = vault->receiving;
    bool is_left = (vault->byte.taken || vault->byte.value != TERMINAL_NO_KEY) &&
                   word_is_good(receiving, 0) &&
                   (uint32_t)receiving == (terminal->received + 1) % RECEIVED;
    return is_left ? &vault->byte : NULL;
}

bool terminal_deliver(struct terminal *terminal)
{
    struct line *line = &terminal->line;
    uint64_t done = 0;
    status_t status = sw_pipe_write(terminal->input_writer, line->buffer, line->length, 0, &done);
    if (status == SW_TIMED_OUT)
        return false;
    if (status != SW_OK)
        sw_log(SW_LOG_ERROR, "typed input is lost: %s", sw_status_text(status));
    line_taken(line);
    terminal_save_line(terminal);
    uint32_t other;
    pipe_progress(terminal->input_writer, &terminal->delivered, &other);
    save_delivered(terminal);
    return true;
}

static void flush_pipe(struct terminal *terminal)
{
    uint8_t scratch[256];
    uint64_t done;
    /* Bounded: nobody else writes, and the pipe holds PIPE_BYTES. A record that is longer than
     * the buffer may take more than one read. */
    while (sw_pipe_read(terminal->input_reader, scratch, sizeof(scratch), 0, &done) == SW_OK)
        continue;
}

void terminal_flush_input(struct terminal *terminal)
{
    line_taken(&terminal->line);
    terminal_save_line(terminal);
    flush_pipe(terminal);
}

/* A job whose processes have ended just now has nobody to interrupt: then the Ctrl-C is for who has
 * the terminal next, for it was typed at what that one is about to go on with. */
static void interrupt_foreground(struct terminal *terminal)
{
    uint32_t flags = terminal->foreground_flags & ~MISSED, reached = 0;
    uint32_t directly = flags & SW_FOREGROUND_DIRECTLY ? SW_INTERRUPT_DIRECTLY : 0;
    if (!terminal->foreground)
        return;
    status_t status = sw_job_interrupt(terminal->foreground, SW_INTERRUPT_INT | directly, &reached);
    save_foreground(terminal, status == SW_OK && reached == 0 ? flags | MISSED : flags);
}

/* The pipe goes first: who is woken is not to read what was typed before. */
void terminal_interrupt(struct terminal *terminal)
{
    flush_pipe(terminal);
    word_put(&terminal->vault->interrupts, ++terminal->interrupts, 0);
    interrupt_foreground(terminal);
    line_taken(&terminal->line);
    terminal_save_line(terminal);
}

void terminal_stop(struct terminal *terminal)
{
    flush_pipe(terminal);
    if (terminal->foreground)
        sw_job_stop(terminal->foreground);
    line_taken(&terminal->line);
    terminal_save_line(terminal);
}

/* ------------------------------------------------------------------ output */

static bool output_refill(struct terminal *terminal)
{
    uint64_t done = 0;
    save_taken(terminal); /* before the word that makes it count */
    terminal->output_start = terminal->output_end = 0;
    save_output(terminal);
    status_t status = sw_pipe_read(terminal->output_reader, terminal->vault->output_bytes,
                                   OUTPUT_BYTES, 0, &done);
    if (status != SW_OK || done == 0)
        return false;
    terminal->output_end = (uint32_t)done;
    terminal->taken += (uint32_t)done;
    save_output(terminal);
    return true;
}

bool terminal_output(struct terminal *terminal, uint8_t *out_byte)
{
    if (terminal->output_start == terminal->output_end && !output_refill(terminal))
        return false;
    *out_byte = terminal->vault->output_bytes[terminal->output_start];
    return true;
}

struct terminal_note terminal_output_note(struct terminal *terminal, bool is_return)
{
    uint32_t start = terminal->output_start + (is_return ? 0 : 1);
    return (struct terminal_note){
        &terminal->vault->output, word_seal(output_value(start, is_return, terminal->output_end), 0)
    };
}

void terminal_output_sent(struct terminal *terminal, bool is_return)
{
    terminal->returned = is_return;
    if (is_return)
        return;
    uint8_t byte = terminal->vault->output_bytes[terminal->output_start++];
    terminal->printed++;
    terminal->line.column = column_after(terminal->line.column, byte);
}

uint64_t terminal_unprinted(const struct terminal *terminal)
{
    uint32_t put, taken;
    pipe_progress(terminal->output_reader, &put, &taken);
    return (uint64_t)(put - taken) + (terminal->output_end - terminal->output_start);
}

/* ------------------------------------------------------------------ settings */

void terminal_set_mode(struct terminal *terminal, uint32_t mode)
{
    terminal->line.mode = mode;
    terminal->line.held = false;
    save_modes(terminal);
    terminal_save_line(terminal);
}

void terminal_set_size(struct terminal *terminal, uint32_t rows, uint32_t columns)
{
    terminal->rows = rows;
    terminal->columns = columns;
    save_modes(terminal);
}

/* The slot is written before the handle is taken over: what is refused has changed nothing. Between
 * the two the flags are such that they do no harm to either job, should a successor come upon them:
 * the caller sends it the request again. */
status_t terminal_set_foreground(struct terminal *terminal, handle_t job, uint32_t flags,
                                 bool inherits)
{
    handle_t copy = 0;
    status_t status;
    if (job) {
        uint32_t type, rights;
        uint64_t id;
        if ((status = sw_handle_info(job, &type, &rights, &id)) != SW_OK)
            return status;
        if (type != SW_TYPE_JOB)
            return SW_WRONG_TYPE;
        if (!(rights & SW_RIGHT_MANAGE))
            return SW_ACCESS;
        if ((status = sw_handle_duplicate(job, SW_RIGHTS_SAME, &copy)) != SW_OK)
            return status;
    }
    uint32_t before = terminal->foreground_flags, missed = before & MISSED;
    save_foreground(terminal, SW_FOREGROUND_DIRECTLY | missed);
    if ((status = sw_job_keep(terminal->job, SLOT_FOREGROUND, copy)) != SW_OK) {
        save_foreground(terminal, before);
        if (copy)
            sw_handle_close(copy);
        return status;
    }
    if (terminal->foreground)
        sw_handle_close(terminal->foreground);
    terminal->foreground = copy;
    save_foreground(terminal, copy ? flags | missed : 0);
    if (copy && inherits)
        sw_job_interrupt(copy, SW_INTERRUPT_INT, &(uint32_t){ 0 });
    if ((status = admit_foreground(terminal)) == SW_OK && missed)
        interrupt_foreground(terminal);
    return status;
}
