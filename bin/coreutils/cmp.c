/* cmp: whether two files are the same, and where they first differ. */
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>

/* A byte in octal, three wide. */
static void octal(char out[8], uint8_t byte)
{
    sw_format(out, 8, "%3u", (unsigned)(byte >> 6) * 100 + (byte >> 3 & 7u) * 10 + (byte & 7u));
}

int command_cmp(int count, char **arguments)
{
    struct options options;
    struct input inputs[2];
    bool silent = false, list = false;
    uint64_t offset = 0, line = 1, most = UINT64_MAX;
    int result = 0;
    trouble = 2;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status == 1 ? 2 : options.status;
        silent |= letter == 's';
        list |= letter == 'l';
        if (letter == 'n' && !parse_size(options.value, &most))
            return usage("%s: not a number", options.value);
    }
    if (options.count < 1 || options.count > 2)
        return usage("two files expected");
    const char *names[2] = { options.arguments[0], options.count > 1 ? options.arguments[1] : "-" };
    for (int i = 0; i < 2; i++)
        if (!input_open(&inputs[i], names[i]))
            return 2;
    while (offset < most) {
        for (int i = 0; i < 2; i++)
            if (inputs[i].start == inputs[i].end)
                input_fill(&inputs[i]);
        size_t there[2];
        for (int i = 0; i < 2; i++) {
            there[i] = inputs[i].end - inputs[i].start;
            if (inputs[i].failed)
                return 2;
        }
        size_t length = there[0] < there[1] ? there[0] : there[1];
        if (length == 0) {
            if (there[0] == there[1])
                break;
            if (!silent) {
                char text[64];
                sw_format(text, sizeof(text), "ends after byte %llu", (unsigned long long)offset);
                out_flush();
                complain_text(names[there[1] == 0], text);
            }
            return 1;
        }
        if (length > most - offset)
            length = (size_t)(most - offset);
        const char *a = inputs[0].buffer + inputs[0].start, *b = inputs[1].buffer + inputs[1].start;
        bool same = memcmp(a, b, length) == 0;
        for (size_t i = 0; i < length && (!same || !(silent || list)); i++) {
            if (a[i] != b[i]) {
                result = 1;
                if (silent)
                    return 1;
                if (!list) {
                    out_text(names[0]);
                    out_char(' ');
                    out_text(names[1]);
                    out_format(" differ: char %llu, line %llu\n",
                               (unsigned long long)(offset + i + 1), (unsigned long long)line);
                    return out_finish(1);
                }
                char left[8], right[8];
                octal(left, (uint8_t)a[i]);
                octal(right, (uint8_t)b[i]);
                out_format("%llu %s %s\n", (unsigned long long)(offset + i + 1), left, right);
            }
            line += a[i] == '\n';
        }
        offset += length;
        inputs[0].start += length;
        inputs[1].start += length;
    }
    return out_finish(result);
}
