/* cat: files one after the other, as they are or with what cannot be seen made visible. */
#include "command.h"

static bool number_lines, number_full, ends, tabs, hidden;
static uint64_t line_number;
static bool at_start = true;

/* A byte of a text shown with ^ and M-. */
static void show(uint8_t byte)
{
    if (byte >= 0x80) {
        out_text("M-");
        byte &= 0x7f;
    }
    if (byte == 0x7f) {
        out_text("^?");
    } else if (byte < 0x20) {
        out_char('^');
        out_char((char)(byte + '@'));
    } else {
        out_char((char)byte);
    }
}

static void print(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)bytes[i];
        if (at_start && (number_lines || (number_full && byte != '\n')))
            out_format("%6llu\t", (unsigned long long)++line_number);
        at_start = byte == '\n';
        if (byte == '\n') {
            if (ends)
                out_char('$');
            out_char('\n');
        } else if (byte == '\t' ? tabs : hidden && (byte < 0x20 || byte >= 0x7f)) {
            show(byte);
        } else {
            out_char((char)byte);
        }
    }
}

static int plain(const char *name)
{
    bool reading;
    int fd = open_operand(name);
    if (fd < 0)
        return 1;
    if (is_own_output(fd)) {
        close_operand(fd);
        return complain_text(name, "is where the output goes");
    }
    status_t status = copy_all(fd, 1, &reading);
    close_operand(fd);
    return status == SW_OK ? 0 : complain(reading ? name : "standard output", status);
}

int command_cat(int count, char **arguments)
{
    int result = 0;
    struct options options;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        number_lines |= letter == 'n';
        number_full |= letter == 'b';
        ends |= letter == 'E' || letter == 'A' || letter == 'e';
        tabs |= letter == 'T' || letter == 'A' || letter == 't';
        hidden |= letter == 'v' || letter == 'A' || letter == 'e' || letter == 't';
    }
    number_lines &= !number_full;
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        if (!number_lines && !number_full && !ends && !tabs && !hidden) {
            result |= plain(options.arguments[i]);
            continue;
        }
        struct input input;
        char *piece;
        size_t length;
        if (!input_open(&input, options.arguments[i])) {
            result = 1;
            continue;
        }
        if (is_own_output(input.fd))
            result = complain_text(options.arguments[i], "is where the output goes");
        else
            while (input_piece(&input, &piece, &length))
                print(piece, length);
        result |= input.failed;
        input_close(&input);
    }
    return out_finish(result);
}
