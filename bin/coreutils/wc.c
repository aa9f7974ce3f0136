/* wc [-lwc] [FILE...]: lines, words, bytes. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

struct counts {
    uint64_t lines, words, bytes;
};

static bool show_lines, show_words, show_bytes;

static status_t measure(int fd, struct counts *counts)
{
    static char buffer[PIECE];
    bool in_word = false;
    for (;;) {
        size_t done = 0;
        status_t status = sw_fd_read(fd, buffer, sizeof(buffer), SW_NEVER, &done);
        if (status != SW_OK || done == 0)
            return status;
        counts->bytes += done;
        for (size_t i = 0; i < done; i++) {
            char c = buffer[i];
            bool space = c == ' ' || (c >= '\t' && c <= '\r');
            counts->lines += c == '\n';
            counts->words += !space && !in_word;
            in_word = !space;
        }
    }
}

static void print_counts(const struct counts *counts, const char *name)
{
    char line[SW_PATH_MAX + 64];
    size_t length = 0;
    /* aligned, but a number alone stands alone */
    const char *format = show_lines + show_words + show_bytes > 1 ? "%s%7llu" : "%s%llu";
    const struct {
        bool show;
        uint64_t value;
    } columns[] = { { show_lines, counts->lines },
                    { show_words, counts->words },
                    { show_bytes, counts->bytes } };
    for (size_t i = 0; i < 3; i++)
        if (columns[i].show)
            length += sw_format(line + length, sizeof(line) - length, format, length ? " " : "",
                                (unsigned long long)columns[i].value);
    if (name)
        length += sw_format(line + length, sizeof(line) - length, " %s", name);
    line[length++] = '\n';
    write_all(1, line, length);
}

int command_wc(int count, char **arguments)
{
    struct counts total = { 0 };
    struct options options;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        show_lines |= letter == 'l';
        show_words |= letter == 'w';
        show_bytes |= letter == 'c';
    }
    if (!show_lines && !show_words && !show_bytes)
        show_lines = show_words = show_bytes = true;
    if (options.count == 0) {
        status_t status = measure(0, &total);
        print_counts(&total, NULL);
        return status == SW_OK ? 0 : complain("standard input", status);
    }
    for (int i = 0; i < options.count; i++) {
        struct counts counts = { 0 };
        int fd = open_operand(options.arguments[i]);
        status_t status = fd < 0 ? SW_OK : measure(fd, &counts);
        close_operand(fd);
        if (fd < 0 || status != SW_OK) {
            result = fd < 0 ? 1 : complain(options.arguments[i], status);
            continue;
        }
        print_counts(&counts, options.arguments[i]);
        total.lines += counts.lines;
        total.words += counts.words;
        total.bytes += counts.bytes;
    }
    if (options.count > 1)
        print_counts(&total, "total");
    return result;
}
