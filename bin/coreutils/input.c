/* Reading by lines and by pieces; the buffer grows to the longest line. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>

bool input_open(struct input *input, const char *name)
{
    *input = (struct input){ .fd = open_operand(name), .name = name };
    if (input->fd < 0)
        return false;
    struct sw_fd_facts facts;
    input->flushes = sw_fd_facts(input->fd, &facts) == SW_OK &&
                     (facts.kind == SW_FD_PIPE || facts.kind == SW_FD_TERMINAL);
    return true;
}

void input_close(struct input *input)
{
    close_operand(input->fd);
    free(input->buffer);
    input->buffer = NULL;
}

/* Reads once more behind what is there. False at the end. */
bool input_fill(struct input *input)
{
    if (input->ended)
        return false;
    if (input->start == input->end)
        input->start = input->end = 0;
    if (input->end == input->capacity) {
        if (input->start > input->capacity / 2) {
            memmove(input->buffer, input->buffer + input->start, input->end - input->start);
            input->end -= input->start;
            input->start = 0;
        } else {
            size_t capacity = input->capacity ? 2 * input->capacity : PIECE;
            char *grown = realloc(input->buffer, capacity);
            if (!grown)
                out_of_memory(input->name);
            input->buffer = grown;
            input->capacity = capacity;
        }
    }
    if (input->flushes)
        out_flush();
    size_t done = 0;
    status_t status = sw_fd_read(input->fd, input->buffer + input->end,
                                 input->capacity - input->end, SW_NEVER, &done);
    input->end += done;
    if (status != SW_OK) {
        out_flush();
        complain(input->fd == 0 ? "standard input" : input->name, status);
        input->failed = true;
    }
    if (status != SW_OK || done == 0)
        input->ended = true;
    return !input->ended;
}

bool input_line(struct input *input, char end, char **out_line, size_t *out_length)
{
    size_t seen = 0;
    for (;;) {
        char *line = input->buffer + input->start;
        size_t there = input->end - input->start;
        char *stop = there > seen ? memchr(line + seen, end, there - seen) : NULL;
        if (stop || (!input_fill(input) && there > 0)) {
            *out_line = line;
            *out_length = stop ? (size_t)(stop - line) + 1 : there;
            input->start += *out_length;
            return true;
        }
        if (input->ended && there == 0)
            return false;
        seen = there;
    }
}

bool input_piece(struct input *input, char **out_piece, size_t *out_length)
{
    if (input->start == input->end && !input_fill(input))
        return false;
    *out_piece = input->buffer + input->start;
    *out_length = input->end - input->start;
    input->start = input->end;
    return true;
}

int inputs_each(struct options *options, void (*take)(struct input *input))
{
    int result = 0;
    operands_default(options);
    for (int i = 0; i < options->count; i++) {
        struct input input;
        if (!input_open(&input, options->arguments[i])) {
            result = 1;
            continue;
        }
        take(&input);
        result |= input.failed;
        input_close(&input);
    }
    return result;
}

bool input_whole(struct input *input)
{
    while (input_fill(input))
        ;
    return !input->failed;
}
