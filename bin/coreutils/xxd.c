/* xxd: bytes as hexadecimal, and back. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

static const char digits[] = "0123456789abcdef";
static unsigned per_line = 16, group = 2;

static char visible(uint8_t byte)
{
    return byte >= ' ' && byte < 0x7f ? (char)byte : '.';
}

static void dump_line(uint64_t offset, const uint8_t *bytes, size_t length)
{
    out_format("%08llx:", (unsigned long long)offset);
    for (unsigned i = 0; i < per_line; i++) {
        if (group ? i % group == 0 : i == 0)
            out_char(' ');
        out_char(i < length ? digits[bytes[i] >> 4] : ' ');
        out_char(i < length ? digits[bytes[i] & 15] : ' ');
    }
    out_text("  ");
    for (size_t i = 0; i < length; i++)
        out_char(visible(bytes[i]));
    out_char('\n');
}

static bool dump(struct input *input, uint64_t offset, uint64_t most, bool plain)
{
    while (most > 0) {
        size_t wanted = most < per_line ? (size_t)most : per_line;
        while (input->end - input->start < wanted && input_fill(input))
            ;
        size_t there = input->end - input->start, length = there < wanted ? there : wanted;
        if (length == 0)
            break;
        const uint8_t *bytes = (const uint8_t *)input->buffer + input->start;
        if (plain) {
            for (size_t i = 0; i < length; i++) {
                out_char(digits[bytes[i] >> 4]);
                out_char(digits[bytes[i] & 15]);
            }
            out_char('\n');
        } else {
            dump_line(offset, bytes, length);
        }
        input->start += length;
        offset += length;
        most -= length;
    }
    return !input->failed;
}

static int digit_value(char c)
{
    const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c) : NULL;
    return found ? (int)(found - digits) : -1;
}

static bool parse_hexadecimal(const char *text, uint64_t *out_number)
{
    *out_number = 0;
    for (; digit_value(*text) >= 0; text++)
        *out_number = *out_number << 4 | (uint64_t)digit_value(*text);
    return !*text;
}

/* Writes the bytes of pairs of digits; their number. In a dump two blanks end them: there the text starts. */
static size_t undump_bytes(const char *text, size_t length, bool plain)
{
    size_t written = 0;
    for (size_t i = 0; i + 1 < length;) {
        int high = digit_value(text[i]), low = digit_value(text[i + 1]);
        if (!plain && text[i] == ' ' && text[i + 1] == ' ')
            break;
        bool byte = high >= 0 && low >= 0;
        if (byte)
            out_char((char)(high << 4 | low));
        written += byte;
        i += byte ? 2 : 1;
    }
    return written;
}

static bool undump(struct input *input, bool plain)
{
    char *line;
    size_t length;
    uint64_t at = 0;
    while (input_line(input, '\n', &line, &length)) {
        const char *colon = plain ? NULL : memchr(line, ':', length);
        if (plain)
            undump_bytes(line, length, true);
        if (!colon)
            continue;
        uint64_t offset = 0;
        for (const char *c = line; c < colon && digit_value(*c) >= 0; c++)
            offset = offset << 4 | (uint64_t)digit_value(*c);
        for (; at < offset && offset - at < 1ull << 30; at++) /* what is skipped is zeros */
            out_char(0);
        const char *bytes = colon + 1;
        bytes += bytes < line + length && *bytes == ' ';
        at += undump_bytes(bytes, (size_t)(line + length - bytes), false);
    }
    return !input->failed;
}

int command_xxd(int count, char **arguments)
{
    struct options options;
    struct input input;
    bool plain = false, reverse = false, sized = false;
    uint64_t skip = 0, most = UINT64_MAX, columns = 0, number = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        plain |= letter == 'p';
        reverse |= letter == 'r';
        if (options.value && !(options.value[0] == '0' && options.value[1] == 'x'
                                   ? parse_hexadecimal(options.value + 2, &number)
                                   : parse_number(options.value, 10, &number)))
            return usage("%s: not a number", options.value);
        if (letter == 's')
            skip = number;
        if (letter == 'l')
            most = number;
        if (letter == 'c')
            columns = number;
        if (letter == 'g') {
            group = (unsigned)number;
            sized = true;
        }
    }
    if (options.count > 2)
        return usage("%s: one operand too many", options.arguments[2]);
    if (columns > 256 || (sized && group > 256))
        return usage("at most 256 columns");
    per_line = columns ? (unsigned)columns : plain ? 30 : 16;
    if (options.count == 2) {
        int fd;
        status_t status = sw_fd_open(options.arguments[1],
                                     SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE, 0644, &fd);
        if (status != SW_OK)
            return complain(options.arguments[1], status);
        sw_fd_duplicate_to(fd, 1);
    }
    operands_default(&options);
    if (!input_open(&input, options.arguments[0]))
        return 1;
    uint64_t at, left = reverse ? 0 : skip;
    if (left > 0 && sw_fd_seek(input.fd, (int64_t)left, SW_FD_FROM_OFFSET, &at) == SW_OK)
        left = 0;
    while (left > 0 && (input.start < input.end || input_fill(&input))) {
        size_t there = input.end - input.start, step = there < left ? there : (size_t)left;
        input.start += step;
        left -= step;
    }
    bool good = reverse ? undump(&input, plain) : dump(&input, skip, most, plain);
    return out_finish(!good);
}
