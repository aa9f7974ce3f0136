/* tail: the last lines or bytes, 10 lines by default, or those from a number on; -f goes on with what is
 * added. A file that grows says so to nobody: -f looks four times a second. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/fd.h>
#include <unistd.h>

static bool bytes, from_start, follow;
static uint64_t wanted = 10;
static const uint64_t LOOK = 250 * SW_MILLISECOND;

/* Where the last `wanted` lines or bytes of a text start. */
static size_t last_of(const char *text, size_t length)
{
    if (bytes)
        return length > wanted ? length - (size_t)wanted : 0;
    uint64_t left = wanted;
    size_t at = length;
    if (left == 0)
        return length;
    at -= at > 0; /* a newline at the end ends the last line */
    while (at > 0 && !(text[at - 1] == '\n' && --left == 0))
        at--;
    return at;
}

/* A pipe: as much of its end is kept as may be wanted. */
static void tail_stream(struct input *input)
{
    size_t limit = 2 * PIECE;
    while (input_fill(input)) {
        if (input->end - input->start < limit)
            continue;
        input->start += last_of(input->buffer + input->start, input->end - input->start);
        limit = 2 * (input->end - input->start) + 2 * PIECE;
    }
    const char *start = input->buffer + input->start;
    size_t length = input->end - input->start, at = length ? last_of(start, length) : 0;
    out_bytes(start + at, length - at);
    input->start = input->end;
}

/* A file: read backwards until enough lines were seen, then forward from there. False when it is none. */
static bool tail_file(struct input *input)
{
    uint64_t size, at, left = wanted;
    if (sw_fd_seek(input->fd, 0, SW_FD_FROM_OFFSET, &at) != SW_OK)
        return false;
    uint64_t first = at;
    if (sw_fd_seek(input->fd, 0, SW_FD_FROM_END, &size) != SW_OK || size < first)
        return false;
    at = size;
    if (bytes) {
        at = size - first > wanted ? size - wanted : first;
    } else if (left > 0) {
        char *piece = malloc(PIECE);
        if (!piece)
            out_of_memory(input->name);
        bool found = false;
        while (at > first && !found) {
            size_t length = at - first > PIECE ? PIECE : (size_t)(at - first), done = 0;
            while (done < length) {
                size_t more = 0;
                if (sw_fd_read_at(input->fd, piece + done, length - done, at - length + done,
                                  &more) != SW_OK ||
                    more == 0) {
                    free(piece);
                    sw_fd_seek(input->fd, (int64_t)first, SW_FD_FROM_START, &at);
                    return false;
                }
                done += more;
            }
            for (size_t i = length; i > 0 && !found; i--) {
                if (piece[i - 1] != '\n' || at - length + i == size)
                    continue;
                if (--left == 0) {
                    at = at - length + i;
                    found = true;
                }
            }
            if (!found)
                at -= length;
        }
        free(piece);
    }
    return sw_fd_seek(input->fd, (int64_t)at, SW_FD_FROM_START, &at) == SW_OK;
}

static void skip(struct input *input)
{
    char *piece;
    size_t length;
    uint64_t left = wanted > 0 ? wanted - 1 : 0;
    while (left > 0 && input_piece(input, &piece, &length)) {
        size_t taken = 0;
        while (taken < length && left > 0) {
            const char *end = bytes ? piece + taken : memchr(piece + taken, '\n', length - taken);
            if (bytes) {
                size_t step = length - taken < left ? length - taken : (size_t)left;
                taken += step;
                left -= step;
            } else {
                taken = end ? (size_t)(end - piece) + 1 : length;
                left -= end != NULL;
            }
        }
        out_bytes(piece + taken, length - taken);
    }
}

static void copy_rest(struct input *input)
{
    char *piece;
    size_t length;
    while (input_piece(input, &piece, &length))
        out_bytes(piece, length);
}

static const char *title(const struct input *input)
{
    return input->fd == 0 ? "standard input" : input->name;
}

static void print_title(const struct input *input)
{
    static bool later;
    out_text(later ? "\n==> " : "==> ");
    out_text(title(input));
    out_text(" <==\n");
    later = true;
}

/* Goes on for ever with what is added to the files; ends when nobody reads. */
static int follow_files(struct input *inputs, int count, bool titles)
{
    const struct input *last = NULL;
    int left = 0;
    for (int i = 0; i < count; i++) {
        if (inputs[i].fd < 0)
            continue;
        last = &inputs[i];
        left += !inputs[i].flushes;
    }
    while (left > 0) {
        for (int i = 0; i < count; i++) {
            struct input *input = &inputs[i];
            struct sw_attributes attributes;
            uint64_t at;
            char *piece;
            size_t length;
            if (input->fd < 0 || input->flushes) /* a pipe's end is its end */
                continue;
            if (sw_fd_attributes(input->fd, &attributes) == SW_OK &&
                sw_fd_seek(input->fd, 0, SW_FD_FROM_OFFSET, &at) == SW_OK && attributes.size < at) {
                out_flush();
                complain_text(title(input), "has become shorter");
                sw_fd_seek(input->fd, 0, SW_FD_FROM_START, &at);
            }
            input->ended = false;
            while (input_piece(input, &piece, &length)) {
                if (titles && last != input)
                    print_title(input);
                last = input;
                out_bytes(piece, length);
            }
            left -= input->failed;
            if (input->failed)
                input->flushes = true;
        }
        out_flush();
        struct sw_poll poll = { .fd = 1 };
        size_t ready = 0;
        status_t status = sw_fd_poll(&poll, 1, sw_clock_deadline(LOOK), &ready);
        if (status == SW_INTERRUPTED)
            return 1;
        if (poll.ready & SW_POLL_ERROR)
            complain("standard output", SW_PEER_CLOSED);
        if (poll.ready || (status != SW_OK && status != SW_TIMED_OUT))
            sw_clock_sleep(sw_clock_deadline(LOOK));
    }
    return 0; /* nothing but pipes, and these have ended */
}

int command_tail(int count, char **arguments)
{
    struct options options;
    int result = 0, opened = 0;
    bool quiet = false, verbose = false;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        quiet |= letter == 'q';
        verbose |= letter == 'v';
        follow |= letter == 'f';
        if (letter == 'q' || letter == 'v' || letter == 'f')
            continue;
        bytes = letter == 'c';
        from_start = options.value[0] == '+';
        if (!parse_size(options.value + (from_start || options.value[0] == '-'), &wanted))
            return usage("%s: not a number of %s", options.value, bytes ? "bytes" : "lines");
    }
    operands_default(&options);
    struct input *inputs = calloc((size_t)options.count, sizeof(*inputs));
    if (!inputs)
        out_of_memory(NULL);
    bool titles = verbose || (options.count > 1 && !quiet);
    for (int i = 0; i < options.count; i++) {
        struct input *input = &inputs[i];
        if (!input_open(input, options.arguments[i])) {
            result = 1;
            continue;
        }
        opened++;
        if (titles)
            print_title(input);
        if (from_start)
            skip(input);
        else if (!tail_file(input))
            tail_stream(input);
        copy_rest(input);
        result |= input->failed;
    }
    if (follow && opened > 0)
        result |= follow_files(inputs, options.count, titles);
    return out_finish(result);
}
