/* The line discipline: editing, records, echo, bounds. */
#include "line.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/protocol.h>

#define COOKED (SW_TERMINAL_CANONICAL | SW_TERMINAL_ECHO | SW_TERMINAL_SIGNALS)

static uint8_t buffer[LINE_BYTES];
static struct line line;
static char records[65536]; /* delivered records, each followed by '|' */
static size_t record_bytes;
static char echo[65536];
static size_t echo_bytes;
static int interrupts, stops;

static void start(uint32_t mode)
{
    line_start(&line, buffer, mode, 0, false);
    record_bytes = echo_bytes = 0;
    interrupts = stops = 0;
}

static void show(void)
{
    while (line_echo_waits(&line))
        echo[echo_bytes++] = (char)line_echo(&line);
    echo[echo_bytes] = 0;
}

static void deliver(void)
{
    memcpy(records + record_bytes, buffer, line.length);
    record_bytes += line.length;
    records[record_bytes++] = '|';
    records[record_bytes] = 0;
    line_taken(&line);
}

static void type_bytes(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        show();
        if (!line_accepts(&line))
            abort();
        switch (line_input(&line, (uint8_t)bytes[i])) {
        case LINE_RECORD:
            deliver();
            break;
        case LINE_INTERRUPT:
            interrupts++;
            break;
        case LINE_STOP:
            stops++;
            break;
        case LINE_NOTHING:
            break;
        }
        if (line.sum != line_sum(buffer, line.length))
            abort();
    }
    show();
}

static void type(const char *text)
{
    type_bytes(text, strlen(text));
}

/* What a screen shows after the echo: one line, backspace moves left. */
static const char *screen(void)
{
    static char shown[65536];
    size_t at = 0, end = 0;
    for (size_t i = 0; i < echo_bytes; i++) {
        if (echo[i] == '\b')
            at--;
        else
            shown[at++] = echo[i];
        if (at > end)
            end = at;
    }
    while (end > 0 && shown[end - 1] == ' ')
        end--;
    shown[end] = 0;
    return shown;
}

static void test_lines(void)
{
    start(COOKED);
    type("one\rtwo\n");
    CHECK(strcmp(records, "one\n|two\n|") == 0);
    CHECK(strcmp(echo, "one\ntwo\n") == 0);
    start(COOKED & ~SW_TERMINAL_ECHO);
    type("secret\x7f\n");
    CHECK(strcmp(records, "secre\n|") == 0);
    CHECK(echo_bytes == 0);
}

static void test_erase(void)
{
    start(COOKED);
    type("ab\x7f\bcd\n");
    CHECK(strcmp(records, "cd\n|") == 0);
    start(COOKED);
    type("x\x7f\x7f\x7fy");
    CHECK(line.length == 1 && buffer[0] == 'y');
    CHECK(strcmp(screen(), "y") == 0);

    start(COOKED); /* two, three and four bytes long: one, two and two columns */
    type("a\xc3\xa9\x7f");
    CHECK(line.length == 1 && strcmp(echo, "a\xc3\xa9\b \b") == 0);
    start(COOKED);
    type("\xe4\xbd\xa0\x7f");
    CHECK(line.length == 0 && strcmp(echo, "\xe4\xbd\xa0\b \b\b \b") == 0);
    start(COOKED);
    type("z\xf0\x9f\x98\x80\x7f");
    CHECK(line.length == 1);
    start(COOKED); /* continuation bytes without a lead */
    type("\x80\x80\x7f");
    CHECK(line.length == 0);

    start(COOKED);
    type("a\x1b\x7f");
    CHECK(strcmp(screen(), "a") == 0);
    start(COOKED); /* a tab from column 1 to 8 is seven columns */
    type("a\t\x7f");
    CHECK(echo_bytes == 2 + 7 * 3 && line.column == 1);
}

static void test_word_and_line(void)
{
    start(COOKED);
    type("one two  \x17");
    CHECK(line.length == 4 && strcmp(screen(), "one") == 0);
    type("\x17\x17");
    CHECK(line.length == 0);
    type("all of it\x15new\n");
    CHECK(strcmp(records, "new\n|") == 0);
}

static void test_end_of_file(void)
{
    start(COOKED);
    type("\4part\4\n");
    CHECK(strcmp(records, "|part|\n|") == 0);
    CHECK(strcmp(echo, "part\n") == 0);
}

static void test_interrupt(void)
{
    start(COOKED);
    type("half\3whole\n");
    CHECK(interrupts == 1 && strcmp(records, "whole\n|") == 0);
    CHECK(strcmp(echo, "half^C\nwhole\n") == 0);
    start(SW_TERMINAL_CANONICAL);
    type("a\3\n");
    CHECK(interrupts == 0 && strcmp(records, "a\3\n|") == 0);
    start(SW_TERMINAL_SIGNALS);
    type("a\3");
    CHECK(interrupts == 1 && line.length == 0 && echo_bytes == 0);
}

/* Only when there is a job that it stops, and not where Ctrl-C is typed either. */
static void test_stop(void)
{
    start(COOKED);
    line.stops = true;
    type("half\x1awhole\n");
    CHECK(stops == 1 && interrupts == 0 && strcmp(records, "whole\n|") == 0);
    CHECK(strcmp(echo, "half^Z\nwhole\n") == 0);
    start(COOKED);
    type("a\x1a"
         "b\n");
    CHECK(stops == 0 && strcmp(records, "ab\n|") == 0 && strcmp(echo, "ab\n") == 0);
    start(SW_TERMINAL_CANONICAL);
    line.stops = true;
    type("a\x1a\n");
    CHECK(stops == 0 && strcmp(records, "a\x1a\n|") == 0);
}

static void test_raw(void)
{
    start(0);
    type("\r\x7f\4x");
    CHECK(record_bytes == 0 && line.length == 4);
    CHECK(line_flush(&line));
    deliver();
    CHECK(memcmp(records, "\r\x7f\4x|", 6) == 0);
    CHECK(!line_flush(&line));
    start(COOKED);
    type("typed ahead");
    CHECK(!line_flush(&line));
    line.mode = 0;
    CHECK(line_flush(&line) && line.length == 11);
}

static void test_hold(void)
{
    static const char ends[] = { '\r', '\n', 4 };
    for (size_t i = 0; i < sizeof(ends); i++) {
        char typed[] = { 'a', ends[i], 0 }, record[] = { 'a', ends[i], '|', 0 };
        start(SW_TERMINAL_SIGNALS | SW_TERMINAL_HOLD);
        type(typed);
        CHECK(strcmp(records, record) == 0 && echo_bytes == 0 && !line_accepts(&line));
    }
    start(SW_TERMINAL_SIGNALS | SW_TERMINAL_HOLD);
    type("a\t");
    CHECK(line_accepts(&line) && line.length == 2);
    type("\3");
    CHECK(line_accepts(&line) && line.length == 0 && interrupts == 1);
    start(COOKED | SW_TERMINAL_HOLD);
    type("a\n");
    CHECK(line_accepts(&line));
}

static void test_pieces(void)
{
    static char text[20000];
    for (size_t size = 4094; size <= 4098; size++) {
        start(COOKED & ~SW_TERMINAL_ECHO);
        for (size_t i = 0; i < size; i++)
            text[i] = (char)('a' + i % 26);
        text[size - 1] = '\n';
        type_bytes(text, size);
        size_t pieces = (size + LINE_BYTES - 1) / LINE_BYTES;
        CHECK(line.length == 0 && record_bytes == size + pieces);
        CHECK(memcmp(records, text, size < LINE_BYTES ? size : LINE_BYTES) == 0);
    }
    start(0);
    memset(text, 'r', sizeof(text));
    type_bytes(text, sizeof(text));
    CHECK(record_bytes == 4 * (LINE_BYTES + 1) && line.length == 20000 - 4 * LINE_BYTES);
}

/* Nothing is accepted while a record or the echo waits, whatever is typed. */
static void test_bounds(void)
{
    start(COOKED);
    line_input(&line, '\n');
    CHECK(!line_accepts(&line));
    start(COOKED);
    unsigned taken = 0;
    while (line_accepts(&line) && taken < 10000) {
        line_input(&line, 1); /* two bytes of echo */
        taken++;
    }
    CHECK(taken > 8 && line.echo_count <= LINE_ECHO);
    start(COOKED);
    type("12345");
    line_input(&line, 21);
    CHECK(!line_accepts(&line) && line.erase == 5);
    show();
    CHECK(line_accepts(&line));
}

static void test_random(void)
{
    srand(1);
    for (unsigned round = 0; round < 64; round++) {
        start((uint32_t)rand() & COOKED);
        for (unsigned i = 0; i < 900; i++) {
            char byte = (char)(rand() & (round & 1 ? 0xff : 0x1f));
            type_bytes(&byte, 1);
            line_flush(&line);
            if (line.complete)
                deliver();
            if (record_bytes > 8192)
                record_bytes = 0;
            echo_bytes = 0;
        }
    }
    CHECK(line.length <= LINE_BYTES);
}

static void test_taken_over(void)
{
    start(COOKED);
    type("typed ");
    uint32_t sum = line.sum;
    struct line next;
    line_start(&next, buffer, COOKED, line.length, false);
    CHECK(next.sum == sum);
    line = next;
    type("ahead\n");
    CHECK(strcmp(records, "typed ahead\n|") == 0);
    line_start(&line, buffer, COOKED, 5, true);
    CHECK(!line_accepts(&line) && line.complete);
}

int main(void)
{
    test_lines();
    test_erase();
    test_word_and_line();
    test_end_of_file();
    test_interrupt();
    test_stop();
    test_raw();
    test_hold();
    test_pieces();
    test_bounds();
    test_random();
    test_taken_over();
    return tap_done();
}
