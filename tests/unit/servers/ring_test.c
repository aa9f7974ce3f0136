/* The log of a service: lines, gaps, lines cut and put together, and a death at any
 * instruction. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_lines.h"
#include "merge.h"
#include "ring.h"
#include "tap.h"

#define SIZE 2048

static char text[1 << 20];
static uint64_t all; /* number of the next line of any log */

static const char *read_all(const struct ring *ring, uint64_t sequence)
{
    text[ring_read(ring, &sequence, text, sizeof(text) - 1)] = 0;
    return text;
}

static void *memory_new(size_t size)
{
    return calloc(1, ring_memory_size(size));
}

static void receive(struct ring *ring, const char *bytes, size_t length)
{
    while (length) {
        size_t room, piece;
        uint8_t *inbox = ring_inbox(ring, &room);
        piece = length < room ? length : room;
        memcpy(inbox, bytes, piece);
        ring_received(ring, &all, 7, piece);
        bytes += piece;
        length -= piece;
    }
}

static void receive_text(struct ring *ring, const char *bytes)
{
    receive(ring, bytes, strlen(bytes));
}

static void test_lines(void)
{
    struct ring ring;
    void *memory = memory_new(SIZE);
    ring_format(&ring, memory, SIZE, "x");
    receive_text(&ring, "one\ntw");
    CHECK(!strcmp(read_all(&ring, 0), "[7] one\n"));
    receive_text(&ring, "o\r\n\n\x1b[31m\tred\n");
    CHECK(!strcmp(read_all(&ring, 0), "[7] one\n[7] two\n[7] \n[7] ?[31m\tred\n"));
    CHECK(!strcmp(read_all(&ring, 3), "[7] ?[31m\tred\n"));
    CHECK(!strcmp(read_all(&ring, 4), "") && !strcmp(read_all(&ring, 99), ""));
    uint64_t next = UINT64_MAX;
    CHECK(ring_read(&ring, &next, text, 0) == 0 && next == 4);
    next = 0; /* whole lines only */
    CHECK(ring_read(&ring, &next, text, 10) == 8 && next == 1);
    receive(&ring, "a\0b\xc2\x9b\xc3\x9b\n", 8);
    CHECK(!strcmp(read_all(&ring, 4), "[7] a?b??\xc3\x9b\n"));
    free(memory);
}

static void test_long(void)
{
    struct ring ring;
    void *memory = memory_new(8 * SIZE);
    static char line[10000];
    memset(line, 'y', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    ring_format(&ring, memory, 8 * SIZE, "x");
    receive(&ring, line, sizeof(line));
    /* 9,999 bytes: 19 pieces of 512 and one of 271 */
    CHECK(ring.state.next == 20 && ring.filled == 0);
    uint64_t last = 19;
    CHECK(ring_read(&ring, &last, text, sizeof(text)) == 271 + 5);
    free(memory);
}

static void test_full(void)
{
    struct ring ring;
    void *memory = memory_new(SIZE);
    ring_format(&ring, memory, SIZE, "x");
    for (int i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof(line), "line %d\n", i);
        receive_text(&ring, line);
    }
    const char *lines = read_all(&ring, 0);
    unsigned long long gone = 0;
    CHECK(sscanf(lines, "-- %llu lines of x are gone: its log keeps 2 KiB --\n", &gone) == 1);
    CHECK(gone == ring.state.oldest && gone > 900 && gone < 990);
    CHECK(strstr(lines, "] line 999\n") && !strstr(lines, "] line 900\n"));
    char first[64];
    snprintf(first, sizeof(first), "\n[7] line %llu\n", gone);
    CHECK(strstr(lines, first) != NULL);
    free(memory);
}

static void test_size_changes(void)
{
    struct ring ring, larger, smaller;
    void *memory = memory_new(SIZE), *more = memory_new(4 * SIZE), *less = memory_new(1024);
    ring_format(&ring, memory, SIZE, "x");
    for (int i = 0; i < 200; i++) {
        char line[32];
        snprintf(line, sizeof(line), "line %d\n", i);
        receive_text(&ring, line);
    }
    receive_text(&ring, "half");
    char *before = strdup(read_all(&ring, ring.state.oldest));
    ring_format(&larger, more, 4 * SIZE, "x");
    ring_take_over(&larger, &ring);
    CHECK(!strcmp(before, read_all(&larger, ring.state.oldest)) && larger.state.next == 200);
    receive_text(&larger, " whole\n");
    CHECK(!strcmp(read_all(&larger, 200), "[7] half whole\n"));
    ring_format(&smaller, less, 1024, "x");
    ring_take_over(&smaller, &larger);
    CHECK(smaller.state.next == 201 && smaller.state.oldest > larger.state.oldest);
    CHECK(strstr(read_all(&smaller, 0), "[7] half whole\n") != NULL);
    free(before);
    free(memory), free(more), free(less);
}

/* Writes lines "NNNNNNN-NNNNNNN" of their own number, half a line at a time, until it is killed. A
 * half is one store, as a pipe's bytes come in one system call; where to go on is in the log alone.
 */
static __attribute__((noreturn)) void write_for_ever(void *memory, size_t bytes)
{
    struct ring ring;
    if (!ring_open(&ring, memory, bytes))
        _exit(1);
    ring_received(&ring, &all, 7, 0);
    for (;;) {
        int second = ring.filled - ring.state.consumed != 0;
        char half[16];
        uint64_t word;
        size_t room;
        snprintf(half, sizeof(half), "%07u%c", (unsigned)ring.state.next, second ? '\n' : '-');
        memcpy(&word, half, sizeof(word));
        memcpy(ring_inbox(&ring, &room), &word, sizeof(word));
        ring_received(&ring, &all, 7, sizeof(word));
    }
}

/* A successor finds every line once, whenever the one before was killed. */
static void test_death(void)
{
    size_t bytes = ring_memory_size(SIZE);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct ring ring;
    unsigned bad = 0, lost = 0, lines = 0;
    ring_format(&ring, memory, SIZE, "x");
    /* A busy host may let few writers come to write: then it takes more of them. */
    for (int round = 0; (round < 300 || (lines <= 1000 && round < 20000)) && !bad; round++) {
        pid_t child = fork();
        if (child == 0)
            write_for_ever(memory, bytes);
        usleep((useconds_t)(round * 7 % 400) + 100);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        if (!ring_open(&ring, memory, bytes)) {
            bad++;
            break;
        }
        ring_received(&ring, &all, 7, 0);
        uint64_t number = ring.state.oldest;
        for (char *line = (char *)(uintptr_t)read_all(&ring, number); *line; number++) {
            unsigned first, second;
            if (sscanf(line, "[7] %u-%u\n", &first, &second) != 2 || first != number ||
                second != number)
                lost++;
            line = strchr(line, '\n') + 1;
        }
        lost += number != ring.state.next;
        lines = (unsigned)ring.state.next;
    }
    CHECK(bad == 0);
    CHECK(lost == 0);
    CHECK(lines > 1000);
    munmap(memory, bytes);
}

static void test_damage(void)
{
    size_t bytes = ring_memory_size(SIZE);
    struct ring ring, found;
    struct ring_memory *memory = memory_new(SIZE), *copy = memory_new(SIZE);
    ring_format(&ring, memory, SIZE, "x");
    receive_text(&ring, "one\ntwo\n");
    CHECK(ring_open(&found, memory, bytes) && !strcmp(read_all(&found, 0), "[7] one\n[7] two\n"));
    memcpy(copy, memory, bytes);
    copy->magic++;
    CHECK(!ring_open(&found, copy, bytes));
    memcpy(copy, memory, bytes);
    copy->size = bytes;
    CHECK(!ring_open(&found, copy, bytes));
    memcpy(copy, memory, bytes);
    copy->states[0].head++, copy->states[1].head++;
    CHECK(!ring_open(&found, copy, bytes));
    CHECK(!ring_open(&found, copy, 16));
    free(memory), free(copy);
}

/* Several logs as one: in order, each line once, with whoever's lines are gone told in their place. */
static void test_merge(void)
{
    struct ring a, b, kernel;
    const struct ring *const rings[] = { &a, &b, &kernel };
    void *memory[3] = { memory_new(SIZE), memory_new(SIZE), memory_new(SIZE) };
    all = 0;
    ring_format(&a, memory[0], SIZE, "a");
    ring_format(&b, memory[1], SIZE, "b");
    ring_format(&kernel, memory[2], SIZE, "kernel");
    receive_text(&a, "one\n");
    ring_append(&kernel, &all, 8, "[W] smp: two", 12, 1);
    receive_text(&b, "[E] a: three\n");
    receive_text(&a, "four\n");
    uint64_t next = 0;
    text[merge_read(rings, 3, all, &next, text, sizeof(text))] = 0;
    CHECK(!strcmp(text, "0 [7] [I] a: one\n1 [8] [W] smp: two\n2 [7] [I] b: [E] a: three\n"
                        "3 [7] [I] a: four\n"));
    CHECK(next == 4);
    next = 2; /* whole lines only, and where to go on */
    text[merge_read(rings, 3, all, &next, text, 40)] = 0;
    CHECK(!strcmp(text, "2 [7] [I] b: [E] a: three\n") && next == 3);
    text[merge_read(rings, 3, all, &next, text, 40)] = 0;
    CHECK(!strcmp(text, "3 [7] [I] a: four\n") && next == 4);
    CHECK(merge_read(rings, 3, all, &next, text, 40) == 0 && next == 4);
    next = UINT64_MAX;
    CHECK(merge_read(rings, 3, all, &next, text, 0) == 0 && next == 4);
    next = 3; /* the log that had it is no more */
    CHECK(merge_read(rings + 1, 2, all, &next, text, sizeof(text)) == 0 && next == 4);

    for (int i = 0; i < 500; i++) { /* b floods, a says something now and then */
        receive_text(&b, "flood flood flood\n");
        if (i % 100 == 0)
            receive_text(&a, "still here\n");
    }
    next = 0;
    text[merge_read(rings, 3, all, &next, text, sizeof(text))] = 0;
    CHECK(next == all && all == 509);
    unsigned long long number, gone = 0, last = 0;
    unsigned told = 0, ordered = 1, of_a = 0, of_b = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (sscanf(line, "%llu -- %llu lines of b are gone: its log keeps 2 KiB --\n", &number,
                   &gone) == 2)
            told++;
        else if (sscanf(line, "%llu [", &number) != 1)
            ordered = 0;
        ordered = ordered && (line == text || number > last);
        last = number;
        of_a += strstr(line, "] a: ") && strstr(line, "] a: ") < strchr(line, '\n');
        of_b += strstr(line, "] b: flood") && strstr(line, "] b: flood") < strchr(line, '\n');
    }
    CHECK(told == 1 && ordered);
    CHECK(of_a == 7); /* none of them pushed out by b's */
    CHECK(gone + of_b == 501 && of_b > 20);

    next = 508; /* behind the gap nothing is told of it, before it the same as from the start */
    text[merge_read(rings, 3, all, &next, text, sizeof(text))] = 0;
    CHECK(!strstr(text, "gone"));
    next = 100;
    text[merge_read(rings, 3, all, &next, text, sizeof(text))] = 0;
    CHECK(strstr(text, "lines of b are gone") != NULL);

    struct ring found; /* a successor numbers on */
    CHECK(ring_open(&found, memory[1], ring_memory_size(SIZE)) && found.state.all == all &&
          found.state.gone == b.state.gone);
    free(memory[0]), free(memory[1]), free(memory[2]);
}

static int owner_is(const char *line, const char *owner, unsigned long milliseconds)
{
    struct kernel_line out;
    if (!kernel_line_parse(line, strlen(line), &out))
        return owner == NULL && milliseconds == 0;
    if (out.milliseconds != milliseconds)
        return 0;
    if (!owner || !out.owner)
        return !owner && !out.owner;
    return strlen(owner) == out.owner_length && !memcmp(owner, out.owner, out.owner_length);
}

static void test_kernel_lines(void)
{
    struct kernel_line out;
    CHECK(owner_is("[12] [I] imgfs: base at block 0", "imgfs", 12));
    CHECK(owner_is("[12] [W] init: tmpfs: ready -> paused: ended", "tmpfs", 12));
    CHECK(owner_is("[12] [W] init: tmpfs is overdue, ending it", "tmpfs", 12));
    CHECK(
        owner_is("[1] [E] crash: authd pid 7 ended: address not mapped, address bad0", "authd", 1));
    CHECK(owner_is("[1] [E] crash: pc  0000 lr 0000", NULL, 1));
    CHECK(owner_is("[1] [E] crash: a pid x ended it", NULL, 1));
    CHECK(owner_is("no such line", NULL, 0) && owner_is("[", NULL, 0) && owner_is("", NULL, 0) &&
          owner_is("[5] [", NULL, 0) && owner_is("[5] [I]", NULL, 0) &&
          owner_is("[5] [I] nothing", NULL, 0));
    CHECK(kernel_line_parse("[12] [I] imgfs: base", 20, &out) && out.text_length == 15 &&
          !memcmp(out.text, "[I] imgfs: base", 15));
}

int main(void)
{
    test_lines();
    test_long();
    test_full();
    test_size_changes();
    test_death();
    test_damage();
    test_merge();
    test_kernel_lines();
    return tap_done();
}
