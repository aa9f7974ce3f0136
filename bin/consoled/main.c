/* consoled: the server of the system console (protocol `terminal`).
 *
 * Typed bytes come from the UART and, when there is a keyboard, through the pipe `keys` from
 * inputd. One thread, one port: calls, UART interrupts, typed keys, output that waits, room for
 * input. After each event pump() moves bytes both ways as far as hardware and pipes take them
 * without waiting, and asks to be woken for exactly what holds it up:
 *   a record waits for room in the input pipe   the UART's receive interrupt is off, the pipe is
 *                                               watched; the emulator or the wire holds the rest
 *   output waits for the UART                   its transmit interrupt is on, the pipe not watched
 *   the line is held (SW_TERMINAL_HOLD)         receive interrupt off, keys not watched, until the
 *                                               modes are set
 *   nothing waits                               receive interrupt on, output and keys watched
 * State a successor needs is in struct terminal. Nothing here waits for a client. */
#include "terminal.h"
#include "uart.h"
#include "waiters.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>

/* What one pass of pump() moves at most before calls get their turn. */
#define INPUT_BUDGET 256
#define OUTPUT_BUDGET 512

#define LAST_BITS_POLL SW_MILLISECOND /* the UART has no interrupt for "all sent" */

enum key { KEY_CALLS, KEY_UART, KEY_OUTPUT, KEY_INPUT, KEY_KEYS };

/* A pipe end bound to the port only while its event is wanted, for bindings are level-triggered. */
struct watch {
    handle_t pipe;
    uint64_t bits, key;
    bool bound;
};

/* Where a byte to be sent comes from. RETURN: it is the '\r' before a '\n' of the output. */
enum source { NOTHING, ECHO, RETURN, OUTPUT };

static struct console {
    struct sw_server server;
    struct uart uart;
    struct terminal terminal;
    enum source newline; /* of which '\r' was sent for '\n', which is next; NOTHING: none */
    struct watch output, input, keys; /* keys.pipe 0: no keyboard */
    struct waiters waiters;
} console;

static _Noreturn void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

static void watch_want(struct console *c, struct watch *watch, bool wanted)
{
    if (watch->bound == wanted || !watch->pipe)
        return;
    status_t status = wanted ? sw_port_bind(c->server.port, watch->pipe, watch->bits, watch->key)
                             : sw_port_unbind(c->server.port, watch->pipe);
    if (status != SW_OK)
        fail("watching a pipe", status);
    watch->bound = wanted;
}

/* ------------------------------------------------------------------ moving bytes */

/* The byte a predecessor took and did not bring into the line, if it is one. */
static bool receive_left(struct console *c, uint8_t *out_byte)
{
    const struct sw_device_taken *left = terminal_left(&c->terminal);
    if (left && !left->taken)
        *out_byte = (uint8_t)left->value;
    return left && (!left->taken || uart_taken(left, out_byte));
}

static bool receive_key(struct console *c, uint8_t *out_byte)
{
    struct sw_device_taken *key = terminal_take(&c->terminal);
    uint64_t done = 0;
    if (!c->keys.pipe || sw_pipe_read(c->keys.pipe, &key->value, 1, 0, &done) != SW_OK || !done)
        return false;
    *out_byte = (uint8_t)key->value;
    return true;
}

/* A typed byte, if one waits. */
static bool receive(struct console *c, uint8_t *out_byte)
{
    bool is_there = receive_left(c, out_byte) ||
                    uart_receive(&c->uart, terminal_take(&c->terminal), out_byte) ||
                    receive_key(c, out_byte);
    if (is_there)
        terminal_received(&c->terminal);
    return is_there;
}

static void take_input(struct console *c)
{
    struct terminal *terminal = &c->terminal;
    for (unsigned i = 0; i < INPUT_BUDGET; i++) {
        uint8_t byte;
        if (terminal->line.complete && !terminal_deliver(terminal))
            return;
        if (!line_accepts(&terminal->line) || !receive(c, &byte))
            break;
        switch (line_input(&terminal->line, byte)) {
        case LINE_INTERRUPT:
            terminal_interrupt(terminal);
            break;
        case LINE_STOP:
            terminal_stop(terminal);
            break;
        default:
            terminal_save_line(terminal);
        }
    }
    if (line_flush(&terminal->line)) {
        terminal_save_line(terminal);
        terminal_deliver(terminal);
    }
}

/* Echo goes before output, which may be endless. */
static enum source next_byte(struct console *c, uint8_t *out_byte)
{
    enum source source = c->newline;
    if (source != NOTHING) {
        c->newline = NOTHING;
        *out_byte = '\n';
        return source;
    }
    if (line_echo_waits(&c->terminal.line)) {
        source = ECHO;
        *out_byte = line_echo(&c->terminal.line);
    } else if (terminal_output(&c->terminal, out_byte)) {
        source = OUTPUT;
    }
    if (source != NOTHING && *out_byte == '\n') {
        c->newline = source;
        *out_byte = '\r';
        return source == OUTPUT ? RETURN : ECHO;
    }
    return source;
}

enum sent { SENT_ALL, SENT_BUDGET, SENT_STALLED };

static enum sent send_output(struct console *c)
{
    unsigned room = 0;
    for (unsigned i = 0; i < OUTPUT_BUDGET; i++) {
        uint8_t byte;
        if (room == 0 && (room = uart_room(&c->uart)) == 0)
            return SENT_STALLED;
        enum source source = next_byte(c, &byte);
        if (source == NOTHING)
            return SENT_ALL;
        if (source == ECHO) {
            uart_send(&c->uart, byte);
        } else {
            bool is_return = source == RETURN;
            struct terminal_note note = terminal_output_note(&c->terminal, is_return);
            uart_send_noted(&c->uart, byte, note.at, note.word);
            terminal_output_sent(&c->terminal, is_return);
        }
        room--;
    }
    return SENT_BUDGET;
}

static bool is_waiting(uint64_t token)
{
    char none;
    uint64_t done;
    return sw_call_read(token, SW_AREA_REQUEST, 0, &none, 0, &done) != SW_CALLER_GONE;
}

static void answer(const struct waiter *waiter)
{
    struct terminal *terminal = &console.terminal;
    if (waiter->flushes)
        terminal_flush_input(terminal);
    if (waiter->sets_mode)
        terminal_set_mode(terminal, waiter->mode);
    struct sw_reply_header reply;
    sw_server_answer(waiter->token, SW_OK, 0, &reply, sizeof(reply), NULL, 0, 0);
}

/* Answers those whose output has left; true if one waits only for the UART's last bits. */
static bool answer_waiters(struct console *c)
{
    uint64_t printed = c->terminal.printed;
    struct waiter waiter;
    if (c->newline != NOTHING || !waiters_due(&c->waiters, printed))
        return false;
    if (!uart_idle(&c->uart))
        return true;
    while (waiters_take(&c->waiters, printed, is_waiting, &waiter))
        answer(&waiter);
    return false;
}

static void pump(struct console *c)
{
    struct line *line = &c->terminal.line;
    take_input(c);
    enum sent sent = send_output(c);
    bool last_bits = answer_waiters(c);

    /* Input held up by its own echo goes on as soon as that is sent. */
    bool again = sent == SENT_BUDGET || (sent == SENT_ALL && line_accepts(line) &&
                                         !(c->uart.interrupts & UART_ON_RECEIVE));
    c->server.deadline = again       ? sw_clock_monotonic()
                         : last_bits ? sw_clock_deadline(LAST_BITS_POLL)
                                     : SW_NEVER;
    watch_want(c, &c->input, line->complete);
    watch_want(c, &c->output, sent == SENT_ALL);
    watch_want(c, &c->keys, line_accepts(line));
    uart_want(&c->uart, (line_accepts(line) ? UART_ON_RECEIVE : 0) |
                            (sent == SENT_STALLED ? UART_ON_TRANSMIT : 0));
}

static void on_event(struct sw_server *server, const struct sw_event *event)
{
    struct console *c = server->context;
    bool interrupt = event->kind == SW_EVENT_INTERRUPT;
    if (interrupt)
        uart_interrupt_begin(&c->uart);
    pump(c);
    if (interrupt)
        uart_interrupt_end(&c->uart);
}

static void on_timeout(struct sw_server *server)
{
    pump(server->context);
}

/* ------------------------------------------------------------------ the protocol */

static status_t get_mode(struct sw_request *request, const struct sw_terminal_get_mode_request *in,
                         struct sw_terminal_get_mode_reply *out)
{
    (void)request, (void)in;
    out->mode = console.terminal.line.mode;
    out->rows = (uint16_t)console.terminal.rows;
    out->columns = (uint16_t)console.terminal.columns;
    out->interrupts = console.terminal.interrupts;
    return SW_OK;
}

/* Defers the call until what was written before it has left. BUSY: too many wait already. */
static status_t wait_for_output(struct sw_request *request, struct waiter waiter)
{
    waiter.token = request->event.token;
    waiter.until = console.terminal.printed + terminal_unprinted(&console.terminal);
    if (!waiters_add(&console.waiters, &waiter, is_waiting))
        return SW_BUSY;
    request->deferred = 1;
    console.server.deadline = sw_clock_monotonic();
    return SW_OK;
}

static status_t set_mode(struct sw_request *request, const struct sw_terminal_set_mode_request *in,
                         struct sw_terminal_set_mode_reply *out)
{
    (void)out;
    if ((in->mode & ~TERMINAL_MODES) || in->drain > 2)
        return SW_INVALID;
    if (in->drain)
        return wait_for_output(
            request,
            (struct waiter){ .sets_mode = true, .mode = in->mode, .flushes = in->drain == 2 });
    waiters_supersede(&console.waiters);
    terminal_set_mode(&console.terminal, in->mode);
    console.server.deadline = sw_clock_monotonic(); /* what was gathered may be a record now */
    return SW_OK;
}

static status_t set_size(struct sw_request *request, const struct sw_terminal_set_size_request *in,
                         struct sw_terminal_set_size_reply *out)
{
    (void)request, (void)out;
    if (in->rows == 0 || in->columns == 0)
        return SW_INVALID;
    terminal_set_size(&console.terminal, in->rows, in->columns);
    return SW_OK;
}

static status_t set_foreground(struct sw_request *request,
                               const struct sw_terminal_set_foreground_request *in,
                               struct sw_terminal_set_foreground_reply *out)
{
    (void)out;
    if (request->event.received_count > 1 ||
        (in->flags &
         ~(uint32_t)(SW_FOREGROUND_DIRECTLY | SW_FOREGROUND_STOPS | SW_FOREGROUND_INHERITS)))
        return SW_INVALID;
    bool inherits =
        in->flags & SW_FOREGROUND_INHERITS && in->interrupts != console.terminal.interrupts;
    return terminal_set_foreground(&console.terminal,
                                   request->event.received_count ? request->event.received[0] : 0,
                                   in->flags & ~(uint32_t)SW_FOREGROUND_INHERITS, inherits);
}

static status_t drain(struct sw_request *request, const struct sw_terminal_drain_request *in,
                      struct sw_terminal_drain_reply *out)
{
    (void)in, (void)out;
    return wait_for_output(request, (struct waiter){ 0 });
}

static status_t open_terminal(struct sw_request *request, const struct sw_terminal_open_request *in,
                              struct sw_terminal_open_reply *out)
{
    (void)in, (void)out;
    request->send[0] = console.terminal.input_reader;
    request->send[1] = console.terminal.output_writer;
    request->send_count = 2;
    return SW_OK;
}

static const struct sw_terminal_handlers handlers = {
    .get_mode = get_mode,
    .set_mode = set_mode,
    .set_size = set_size,
    .set_foreground = set_foreground,
    .drain = drain,
    .open = open_terminal,
};

static status_t on_message(struct sw_server *server, struct sw_request *request)
{
    (void)server;
    return sw_terminal_dispatch(&handlers, request);
}

/* ------------------------------------------------------------------ start */

/* The serial port among the start handles device/N. */
static handle_t find_uart(void)
{
    const struct sw_start_handle *entry;
    for (size_t i = 0; (entry = sw_start_handle_at(i)) != NULL; i++) {
        struct sw_device_info info;
        if (strncmp(sw_start_text(entry->offset), "device/", 7) == 0 &&
            sw_device_info(entry->handle, &info) == SW_OK && info.kind == SW_DEVICE_UART)
            return entry->handle;
    }
    return 0;
}

int main(void)
{
    struct console *c = &console;
    status_t status = terminal_start(&c->terminal, sw_start_get("job"));
    if (status != SW_OK)
        fail("terminal", status);
    handle_t device = find_uart();
    if (!device)
        fail("no serial port among the start handles", SW_NOT_FOUND);
    if ((status = uart_start(&c->uart, device)) != SW_OK)
        fail("serial port", status);

    c->server = (struct sw_server){
        .message = on_message,
        .event = on_event,
        .timeout = on_timeout,
        .context = c,
    };
    if ((status = sw_server_serve(&c->server, sw_start_get("serve"), KEY_CALLS)) != SW_OK)
        fail("serve", status);
    if ((status = sw_port_bind(c->server.port, device, 1, KEY_UART)) != SW_OK)
        fail("interrupt", status);
    if (c->terminal.returned)
        c->newline = OUTPUT;
    uart_interrupt_end(&c->uart); /* a claim starts with the interrupt masked */
    c->output = (struct watch){ c->terminal.output_reader, SW_PIPE_READABLE, KEY_OUTPUT, false };
    c->input = (struct watch){ c->terminal.input_writer, SW_PIPE_WRITABLE, KEY_INPUT, false };
    c->keys = (struct watch){ sw_start_get("keys"), SW_PIPE_READABLE, KEY_KEYS, false };
    pump(c);

    status = sw_service_ready();
    if (status != SW_OK && status != SW_NOT_FOUND) /* NOT_FOUND: nobody to tell */
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    fail("wait", sw_server_run(&c->server));
}
