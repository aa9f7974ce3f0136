/* sha256sum: checksums of files, printed or checked. */
#include "command.h"
#include <sodium/crypto_hash_sha256.h>
#include <string.h>
#include <swos/log.h>

enum { DIGITS = 2 * crypto_hash_sha256_BYTES };

static bool sum_of(const char *name, char out[DIGITS + 1])
{
    static const char digits[] = "0123456789abcdef";
    struct input input;
    char *piece;
    size_t length;
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    if (!input_open(&input, name))
        return false;
    crypto_hash_sha256_init(&state);
    while (input_piece(&input, &piece, &length))
        crypto_hash_sha256_update(&state, (const uint8_t *)piece, length);
    crypto_hash_sha256_final(&state, hash);
    input_close(&input);
    for (size_t i = 0; i < sizeof(hash); i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[DIGITS] = 0;
    return !input.failed;
}

/* A name with a newline or a backslash is written with \n and \\, and the line starts with a backslash, so that
 * each line is one file's. */
static void print_name(const char *name)
{
    for (; *name; name++) {
        if (*name == '\n')
            out_text("\\n");
        else if (*name == '\\')
            out_text("\\\\");
        else
            out_char(*name);
    }
}

static void read_name(char *name)
{
    char *to = name;
    for (; *name; name++) {
        if (name[0] == '\\' && (name[1] == 'n' || name[1] == '\\'))
            *to++ = *++name == 'n' ? '\n' : '\\';
        else
            *to++ = *name;
    }
    *to = 0;
}

static bool quiet, silent;

static int check(const char *list)
{
    struct input input;
    char *line, sum[DIGITS + 1], text[64];
    size_t length;
    uint64_t good = 0, bad = 0, unread = 0, strange = 0;
    if (!input_open(&input, list))
        return 1;
    while (input_line(&input, '\n', &line, &length)) {
        char name[SW_PATH_MAX];
        bool escaped = line[0] == '\\';
        line += escaped;
        length -= escaped + (size_t)(line[length - escaped - 1] == '\n');
        size_t digits = 0;
        while (digits < length && digits <= DIGITS && line[digits] &&
               strchr("0123456789abcdefABCDEF", line[digits]))
            digits++;
        if (digits != DIGITS || length < DIGITS + 3 || line[DIGITS] != ' ' ||
            (line[DIGITS + 1] != ' ' && line[DIGITS + 1] != '*') ||
            length - DIGITS - 2 >= sizeof(name)) {
            strange++;
            continue;
        }
        memcpy(name, line + DIGITS + 2, length - DIGITS - 2);
        name[length - DIGITS - 2] = 0;
        if (escaped)
            read_name(name);
        out_flush();
        bool readable = sum_of(name, sum), same = readable;
        for (size_t i = 0; i < DIGITS && same; i++)
            same = fold_byte(line[i]) == (uint8_t)sum[i];
        good += same;
        bad += readable && !same;
        unread += !readable;
        if (silent || (quiet && same))
            continue;
        if (strchr(name, '\n')) {
            out_char('\\');
            print_name(name);
        } else {
            out_text(name);
        }
        out_text(same ? ": OK\n" : readable ? ": FAILED\n" : ": FAILED open or read\n");
    }
    input_close(&input);
    out_flush();
    if (good + bad + unread == 0)
        return complain_text(list, "no checksums in it");
    const struct {
        uint64_t count;
        const char *one, *more;
    } summaries[] = { { strange, "line is no checksum", "lines are no checksums" },
                      { unread, "file could not be read", "files could not be read" },
                      { bad, "checksum does not match", "checksums do not match" } };
    for (size_t i = 0; i < 3 && !silent; i++) {
        unsigned long long number = summaries[i].count;
        if (number == 0)
            continue;
        sw_format(text, sizeof(text), "%llu %s", number,
                  number == 1 ? summaries[i].one : summaries[i].more);
        complain_text(NULL, text);
    }
    return bad + unread > 0 || input.failed;
}

int command_sha256sum(int count, char **arguments)
{
    struct options options;
    char sum[DIGITS + 1];
    bool checks = false;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        checks |= letter == 'c';
        quiet |= letter == OPTION_LONG && !strcmp(options.name, "quiet");
        silent |= letter == OPTION_LONG && !strcmp(options.name, "status");
    }
    operands_default(&options);
    for (int i = 0; i < options.count; i++) {
        const char *name = options.arguments[i];
        if (checks) {
            result |= check(name);
        } else if (sum_of(name, sum)) {
            if (strpbrk(name, "\n\\"))
                out_char('\\');
            out_text(sum);
            out_text("  ");
            print_name(name);
            out_char('\n');
        } else {
            result = 1;
        }
    }
    return out_finish(result);
}
