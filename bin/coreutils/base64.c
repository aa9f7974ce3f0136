/* base64: bytes as letters, and back. */
#include "command.h"
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(struct input *input, uint64_t width)
{
    uint64_t column = 0;
    for (;;) {
        while (input->end - input->start < 3 && input_fill(input))
            ;
        size_t there = input->end - input->start;
        if (there == 0)
            break;
        const uint8_t *bytes = (const uint8_t *)input->buffer + input->start;
        size_t taken = there < 3 ? there : 3;
        uint32_t group = (uint32_t)bytes[0] << 16 | (taken > 1 ? (uint32_t)bytes[1] << 8 : 0) |
                         (taken > 2 ? bytes[2] : 0);
        for (size_t i = 0; i < 4; i++) {
            out_char(i <= taken ? letters[group >> (18 - 6 * i) & 63] : '=');
            if (++column == width) {
                out_char('\n');
                column = 0;
            }
        }
        input->start += taken;
    }
    if (column > 0 && width > 0)
        out_char('\n');
}

/* Lines end anywhere; what is no letter is refused, or passed over. */
static bool decode(struct input *input, bool ignore)
{
    uint8_t values[256];
    char *piece;
    size_t length;
    uint32_t group = 0;
    unsigned bits = 0;
    bool ended = false;
    memset(values, 0xff, sizeof(values));
    for (uint8_t i = 0; i < 64; i++)
        values[(uint8_t)letters[i]] = i;
    unsigned padding = 0;
    while (input_piece(input, &piece, &length)) {
        for (size_t i = 0; i < length; i++) {
            uint8_t value = values[(uint8_t)piece[i]];
            if (piece[i] == '\n' || (value == 0xff && piece[i] != '=' && ignore))
                continue;
            if (piece[i] == '=') {
                ended = true;
                padding++;
                continue;
            }
            if (value == 0xff)
                return false;
            if (ended) { /* one text behind another */
                if ((bits + 6 * padding) % 8 != 0 || bits > 4)
                    return false;
                ended = false;
                bits = padding = 0;
            }
            group = group << 6 | value;
            bits += 6;
            if (bits >= 8) {
                bits -= 8;
                out_char((char)(group >> bits));
            }
        }
    }
    return bits != 6 && (bits == 0 ? padding == 0 : padding * 2 == bits);
}

int command_base64(int count, char **arguments)
{
    struct options options;
    struct input input;
    bool back = false, ignore = false;
    uint64_t width = 76;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        back |= letter == 'd';
        ignore |= letter == 'i';
        if (letter == 'w' && !parse_number(options.value, 10, &width))
            return usage("%s: not a number of columns", options.value);
    }
    if (options.count > 1)
        return usage("%s: one operand too many", options.arguments[1]);
    operands_default(&options);
    if (!input_open(&input, options.arguments[0]))
        return 1;
    if (!back) {
        encode(&input, width);
    } else if (!decode(&input, ignore) && !input.failed) {
        out_flush();
        return complain_text(options.arguments[0], "not base64");
    }
    return out_finish(input.failed);
}
