/* wc: lines, words, characters, bytes, and the longest line. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

struct counts {
    uint64_t lines, words, characters, bytes, longest;
};

static bool show_lines, show_words, show_characters, show_bytes, show_longest;

static bool measure(struct input *input, struct counts *counts)
{
    char *piece;
    size_t length;
    bool in_word = false;
    uint64_t column = 0;
    while (input_piece(input, &piece, &length)) {
        counts->bytes += length;
        if (!show_words && !show_characters && !show_longest) {
            for (const char *at = piece, *end = piece + length;
                 (at = memchr(at, '\n', (size_t)(end - at))); at++)
                counts->lines++;
            continue;
        }
        for (size_t i = 0; i < length; i++) {
            char c = piece[i];
            bool space = c == ' ' || (c >= '\t' && c <= '\r'), more = (c & 0xc0) == 0x80;
            counts->lines += c == '\n';
            if (!space && ((uint8_t)c < ' ' || c == 0x7f))
                space = !in_word; /* what cannot be seen is no word and ends none */
            counts->words += !space && !in_word;
            counts->characters += !more;
            in_word = !space;
            column = c == '\n' || c == '\r' || c == '\f' ? 0
                     : c == '\t'                         ? (column | 7) + 1
                                 : column + (!more && (uint8_t)c >= ' ' && c != 0x7f);
            if (column > counts->longest)
                counts->longest = column;
        }
    }
    return !input->failed;
}

static void print_counts(const struct counts *counts, const char *name)
{
    const struct {
        bool show;
        uint64_t value;
    } columns[] = { { show_lines, counts->lines },
                    { show_words, counts->words },
                    { show_characters, counts->characters },
                    { show_bytes, counts->bytes },
                    { show_longest, counts->longest } };
    int shown = show_lines + show_words + show_characters + show_bytes + show_longest, printed = 0;
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        if (!columns[i].show)
            continue;
        if (printed++)
            out_char(' ');
        /* aligned, but a number alone stands alone */
        out_format(shown > 1 ? "%7llu" : "%llu", (unsigned long long)columns[i].value);
    }
    if (name) {
        out_char(' ');
        out_text(name);
    }
    out_char('\n');
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
        show_characters |= letter == 'm';
        show_bytes |= letter == 'c';
        show_longest |= letter == 'L';
    }
    if (!show_lines && !show_words && !show_characters && !show_bytes && !show_longest)
        show_lines = show_words = show_bytes = true;
    bool named = options.count > 0;
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        struct counts counts = { 0 };
        struct input input;
        if (!input_open(&input, options.arguments[i])) {
            result = 1;
            continue;
        }
        if (!measure(&input, &counts))
            result = 1;
        input_close(&input);
        print_counts(&counts, named ? options.arguments[i] : NULL);
        total.lines += counts.lines;
        total.words += counts.words;
        total.characters += counts.characters;
        total.bytes += counts.bytes;
        total.longest = counts.longest > total.longest ? counts.longest : total.longest;
    }
    if (options.count > 1)
        print_counts(&total, "total");
    return out_finish(result);
}
