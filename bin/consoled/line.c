/* The line discipline; see line.h. */
#include "line.h"
#include <string.h>
#include <swos/protocol.h>

/* A byte echoes at most as "^C\n"; the rub-out of many columns is a counter, not bytes. */
#define ECHO_PER_BYTE 4

enum {
    CONTROL_C = 3,
    CONTROL_D = 4,
    BACKSPACE = 8,
    CONTROL_U = 21,
    CONTROL_W = 23,
    CONTROL_Z = 26,
    DELETE = 127
};

static const char rub_out[3] = { '\b', ' ', '\b' };

void line_start(struct line *line, uint8_t *buffer, uint32_t mode, uint32_t length, bool complete)
{
    memset(line, 0, sizeof(*line));
    line->buffer = buffer;
    line->mode = mode;
    line->length = length;
    line->complete = complete;
    line->sum = line_sum(buffer, length);
}

static uint32_t sum_term(uint32_t at, uint8_t byte)
{
    return (byte + 1u) * ((at + 1u) * 0x9e3779b1u);
}

uint32_t line_sum(const uint8_t *bytes, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t at = 0; at < length; at++)
        sum += sum_term(at, bytes[at]);
    return sum;
}

bool line_accepts(const struct line *line)
{
    return !line->complete && !line->held && line->erase == 0 && line->length < LINE_BYTES &&
           line->echo_count + ECHO_PER_BYTE <= LINE_ECHO;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

uint32_t column_after(uint32_t column, uint8_t byte)
{
    switch (byte) {
    case '\n':
    case '\r':
        return 0;
    case '\b':
        return column ? column - 1 : 0;
    case '\t':
        return (column | 7) + 1;
    default:
        return byte < ' ' || byte == DELETE || is_continuation(byte) ? column : column + 1;
    }
}

/* ------------------------------------------------------------------ echo */

static void echo_put(struct line *line, uint8_t byte)
{
    line->echo[(line->echo_head + line->echo_count++) % LINE_ECHO] = byte;
    line->column = column_after(line->column, byte);
}

static bool shows_as_caret(uint8_t byte)
{
    return (byte < ' ' && byte != '\t' && byte != '\n') || byte == DELETE;
}

static void echo_typed(struct line *line, uint8_t byte)
{
    if (!(line->mode & SW_TERMINAL_ECHO))
        return;
    if (shows_as_caret(byte)) {
        echo_put(line, '^');
        echo_put(line, byte ^ 0x40);
    } else {
        echo_put(line, byte);
    }
}

bool line_echo_waits(const struct line *line)
{
    return line->echo_count > 0 || line->erase > 0;
}

uint8_t line_echo(struct line *line)
{
    if (line->echo_count > 0) {
        uint8_t byte = line->echo[line->echo_head];
        line->echo_head = (line->echo_head + 1) % LINE_ECHO;
        line->echo_count--;
        return byte;
    }
    uint8_t byte = (uint8_t)rub_out[line->erase_step++];
    if (line->erase_step == sizeof(rub_out)) {
        line->erase_step = 0;
        line->erase--;
    }
    return byte;
}

/* ------------------------------------------------------------------ erasing */

/* Code points that take two columns: the blocks of East Asian wide characters and emoji. */
static bool is_wide(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } blocks[] = {
        { 0x1100, 0x115f }, { 0x2e80, 0xa4cf },   { 0xac00, 0xd7a3 },
        { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
        { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd },
    };
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        if (point >= blocks[i].first && point <= blocks[i].last)
            return true;
    return false;
}

static bool is_combining(uint32_t point)
{
    return (point >= 0x300 && point <= 0x36f) || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0xfe00 && point <= 0xfe0f);
}

/* Column behind the first `length` typed bytes, as they were echoed from line->start. */
static uint32_t typed_column(const struct line *line, uint32_t length)
{
    uint32_t column = line->start;
    for (uint32_t at = 0; at < length;) {
        uint8_t byte = line->buffer[at++];
        if (byte < 0x80) {
            column = shows_as_caret(byte) ? column + 2 : column_after(column, byte);
            continue;
        }
        uint32_t point = byte & (byte >= 0xf0 ? 0x07 : byte >= 0xe0 ? 0x0f : 0x1f);
        while (at < length && is_continuation(line->buffer[at]))
            point = point << 6 | (line->buffer[at++] & 0x3f);
        column += is_combining(point) ? 0 : is_wide(point) ? 2 : 1;
    }
    return column;
}

/* Shortens the line to `length` bytes and rubs out what they had shown. */
static void erase_to(struct line *line, uint32_t length)
{
    if (line->mode & SW_TERMINAL_ECHO) {
        uint32_t column = typed_column(line, length);
        line->erase = typed_column(line, line->length) - column;
        line->column = column;
    }
    while (line->length > length) {
        line->length--;
        line->sum -= sum_term(line->length, line->buffer[line->length]);
    }
}

static uint32_t before_character(const struct line *line, uint32_t length)
{
    if (length > 0)
        length--;
    while (length > 0 && is_continuation(line->buffer[length]))
        length--;
    return length;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static uint32_t before_word(const struct line *line, uint32_t length)
{
    while (length > 0 && is_blank(line->buffer[length - 1]))
        length--;
    while (length > 0 && !is_blank(line->buffer[length - 1]))
        length--;
    return length;
}

/* ------------------------------------------------------------------ input */

static enum line_action gather(struct line *line, uint8_t byte, bool ends)
{
    if (line->length == 0)
        line->start = line->column;
    line->sum += sum_term(line->length, byte);
    line->buffer[line->length++] = byte;
    echo_typed(line, byte);
    line->complete = ends || line->length == LINE_BYTES;
    return line->complete ? LINE_RECORD : LINE_NOTHING;
}

enum line_action line_input(struct line *line, uint8_t byte)
{
    if ((byte == CONTROL_C || byte == CONTROL_Z) && (line->mode & SW_TERMINAL_SIGNALS)) {
        if (byte == CONTROL_Z && !line->stops)
            return LINE_NOTHING;
        line_taken(line);
        echo_typed(line, byte);
        if (line->mode & SW_TERMINAL_ECHO)
            echo_put(line, '\n');
        return byte == CONTROL_C ? LINE_INTERRUPT : LINE_STOP;
    }
    if (!(line->mode & SW_TERMINAL_CANONICAL)) {
        bool ends = byte == '\r' || byte == '\n' || byte == CONTROL_D;
        line->held = ends && (line->mode & SW_TERMINAL_HOLD);
        return gather(line, byte, line->held);
    }

    switch (byte) {
    case '\r':
    case '\n':
        return gather(line, '\n', true);
    case CONTROL_D:
        line->complete = true;
        return LINE_RECORD;
    case BACKSPACE:
    case DELETE:
        erase_to(line, before_character(line, line->length));
        return LINE_NOTHING;
    case CONTROL_U:
        erase_to(line, 0);
        return LINE_NOTHING;
    case CONTROL_W:
        erase_to(line, before_word(line, line->length));
        return LINE_NOTHING;
    default:
        return gather(line, byte, false);
    }
}

bool line_flush(struct line *line)
{
    if (!(line->mode & SW_TERMINAL_CANONICAL) && line->length > 0)
        line->complete = true;
    return line->complete;
}

void line_taken(struct line *line)
{
    line->length = 0;
    line->sum = 0;
    line->complete = false;
}
