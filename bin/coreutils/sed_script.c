/* Reading sed's scripts. */
#include "command.h"
#include "sed.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

static const char *at, *start, *end;
static unsigned flags;
static struct sed_command *commands;
static size_t command_count;

static void fail(const char *message)
{
    char text[128];
    size_t line = 1;
    for (const char *c = start; c < at; c++)
        line += *c == '\n';
    sw_format(text, sizeof(text), "script line %u: %s", (unsigned)line, message);
    complain_text(NULL, text);
    exit(1);
}

static char *copy_of(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy)
        out_of_memory("script");
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

static char peek(void)
{
    return at < end ? *at : 0;
}

static void skip_blanks(void)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
}

static uint64_t read_number(void)
{
    uint64_t number = 0;
    while (at < end && *at >= '0' && *at <= '9')
        number = number * 10 + (uint64_t)(*at++ - '0');
    return number;
}

/* Behind the set that starts at `from`; when it is not closed, behind its [. */
static const char *set_end(const char *from)
{
    const char *stop = from + 1;
    stop += stop < end && *stop == '^';
    for (bool first = true; stop < end && *stop != '\n' && (first || *stop != ']');
         first = false, stop++) {
        char kind = stop + 1 < end && *stop == '[' ? stop[1] : 0;
        if (kind != ':' && kind != '=' && kind != '.')
            continue;
        const char *close = stop + 2;
        while (close + 1 < end && !(close[0] == kind && close[1] == ']'))
            close++;
        if (close + 1 < end)
            stop = close + 1;
    }
    return stop < end && *stop == ']' ? stop + 1 : from + 1;
}

/* The text up to the delimiter, which is passed; in an expression \ before the delimiter makes it a letter. */
static char *read_delimited(char delimiter, bool is_regex, size_t *out_length)
{
    char *text = malloc((size_t)(end - at) + 1);
    size_t used = 0;
    if (!text)
        out_of_memory("script");
    while (at < end && *at != delimiter) {
        if (*at == '\n' && is_regex)
            break;
        if (is_regex && *at == '[') { /* in a set the delimiter is a letter */
            const char *stop = set_end(at);
            while (at < stop)
                text[used++] = *at++;
            continue;
        }
        if (*at == '\\' && at + 1 < end) {
            if (at[1] == delimiter && delimiter != '\\') {
                /* an operator as the delimiter is a letter once it is escaped */
                if (is_regex && strchr("^$.*[]", delimiter))
                    text[used++] = '\\';
                if (!is_regex && delimiter == '&')
                    text[used++] = '\\';
                text[used++] = delimiter;
            } else {
                text[used++] = '\\';
                text[used++] = at[1];
            }
            at += 2;
            continue;
        }
        text[used++] = *at++;
    }
    if (at >= end || *at != delimiter)
        fail("the expression is not closed");
    at++;
    text[used] = 0;
    *out_length = used;
    return text;
}

static struct regex *compile(const char *text, size_t length, unsigned more)
{
    if (length == 0)
        return NULL;
    struct regex *regex = malloc(sizeof(*regex));
    if (!regex)
        out_of_memory("script");
    const char *message = regex_compile(regex, text, length, flags | more | REGEX_ESCAPES);
    if (message)
        fail(message);
    return regex;
}

static bool read_address(struct sed_address *address, bool second)
{
    char c = peek();
    *address = (struct sed_address){ .kind = ADDRESS_NONE };
    if (c >= '0' && c <= '9') {
        address->kind = ADDRESS_LINE;
        address->line = read_number();
        if (peek() == '~') {
            at++;
            address->kind = ADDRESS_STEP;
            address->step = read_number();
        }
    } else if (c == '$') {
        at++;
        address->kind = ADDRESS_LAST;
    } else if (c == '/' || c == '\\') {
        size_t length;
        unsigned more = 0;
        at += c == '\\';
        char delimiter = peek();
        at++;
        char *text = read_delimited(delimiter, true, &length);
        while (peek() == 'I' || peek() == 'M')
            more |= *at++ == 'I' ? REGEX_FOLD : REGEX_LINES;
        address->kind = ADDRESS_REGEX;
        address->regex = compile(text, length, more);
        free(text);
    } else if (second && (c == '+' || c == '~')) {
        at++;
        address->kind = c == '+' ? ADDRESS_MORE : ADDRESS_MULTIPLE;
        address->line = read_number();
    } else {
        return false;
    }
    return true;
}

/* Up to the end of the line: names of files and labels. */
static char *read_word(const char *stop)
{
    skip_blanks();
    const char *from = at;
    while (at < end && !strchr(stop, *at))
        at++;
    return copy_of(from, (size_t)(at - from));
}

/* The text of a, i, c: behind \ and a newline, or on the same line; a line that ends with \ goes on. */
static void read_text(struct sed_command *command)
{
    skip_blanks();
    if (peek() == '\\') {
        const char *behind = ++at;
        skip_blanks();
        at = peek() == '\n' ? at + 1 : behind; /* on the same line its blanks are text */
    }
    char *text = malloc((size_t)(end - at) + 2);
    size_t used = 0;
    if (!text)
        out_of_memory("script");
    while (at < end && *at != '\n') {
        if (*at == '\\' && at + 1 < end)
            at++;
        text[used++] = *at++;
    }
    if (used == 0 && command->name != 'c' && at >= end && end[-1] != '\\' && end[-1] != '\n')
        fail("text expected");
    text[used++] = '\n';
    command->text = text;
    command->length = used;
}

static void add_piece(struct sed_command *command, const char *text, size_t length, int group,
                      char change)
{
    struct sed_piece *grown =
        realloc(command->pieces, (command->piece_count + 1) * sizeof(*command->pieces));
    if (!grown)
        out_of_memory("script");
    command->pieces = grown;
    command->pieces[command->piece_count++] =
        (struct sed_piece){ length ? copy_of(text, length) : "", length, group, change };
}

static void read_replacement(struct sed_command *command, char *text, size_t length)
{
    char *literal = copy_of(text, length);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int group = -1;
        char change = 0, c = text[i];
        if (c == '&') {
            group = 0;
        } else if (c == '\\' && i + 1 < length) {
            c = text[++i];
            if (c >= '0' && c <= '9')
                group = c - '0';
            else if (strchr("ULEul", c))
                change = c;
            else
                literal[used++] = c == 'n'   ? '\n'
                                  : c == 't' ? '\t'
                                  : c == 'r' ? '\r'
                                  : c == 'f' ? '\f'
                                  : c == 'v' ? '\v'
                                  : c == 'a' ? '\a'
                                             : c;
        } else {
            literal[used++] = c;
        }
        if (group >= 0 || change) {
            if (group > 0 && command->regex && (size_t)group > command->regex->groups)
                fail("\\N without so many groups");
            add_piece(command, literal, used, group, change);
            used = 0;
        }
    }
    if (used > 0)
        add_piece(command, literal, used, -1, 0);
    free(literal);
}

static void read_output(struct sed_command *command)
{
    command->text = read_word("\n");
    if (!*command->text)
        fail("file expected");
    for (size_t i = 0; i + 1 < command_count; i++) /* one name is one file */
        if (commands[i].fd > 0 && commands[i].text && !strcmp(commands[i].text, command->text)) {
            command->fd = commands[i].fd;
            return;
        }
    if (!strcmp(command->text, "/dev/stdout"))
        return;
    if (!strcmp(command->text, "/dev/stderr")) {
        command->fd = 2;
        return;
    }
    status_t status = sw_fd_open(command->text, SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_TRUNCATE,
                                 0644, &command->fd);
    if (status != SW_OK) {
        complain(command->text, status);
        exit(4);
    }
}

static void read_substitution(struct sed_command *command)
{
    size_t pattern_length, length;
    unsigned more = 0;
    char delimiter = peek();
    if (!delimiter || delimiter == '\n' || delimiter == '\\')
        fail("s: delimiter expected");
    at++;
    char *pattern = read_delimited(delimiter, true, &pattern_length);
    char *replacement = read_delimited(delimiter, false, &length);
    bool writes = false;
    command->number = 1;
    for (bool more_flags = true; more_flags;) {
        char c = peek();
        if (c >= '1' && c <= '9') {
            command->number = read_number();
            continue;
        }
        switch (c) {
        case 'g':
            command->all = true;
            break;
        case 'p':
            command->print = true;
            break;
        case 'i':
        case 'I':
            more |= REGEX_FOLD;
            break;
        case 'm':
        case 'M':
            more |= REGEX_LINES;
            break;
        case 'w':
            writes = true;
            more_flags = false;
            break;
        default:
            more_flags = false;
            continue;
        }
        at++;
    }
    command->regex = compile(pattern, pattern_length, more);
    read_replacement(command, replacement, length);
    free(pattern);
    free(replacement);
    if (writes)
        read_output(command);
}

static void read_transliteration(struct sed_command *command)
{
    size_t lengths[2];
    char delimiter = peek();
    if (!delimiter)
        fail("y: delimiter expected");
    at++;
    char *texts[2];
    char *map = malloc(256);
    if (!map)
        out_of_memory("script");
    for (int i = 0; i < 2; i++) {
        texts[i] = read_delimited(delimiter, false, &lengths[i]);
        size_t used = 0;
        for (size_t j = 0; j < lengths[i]; j++) {
            char c = texts[i][j];
            if (c == '\\' && j + 1 < lengths[i]) {
                c = texts[i][++j];
                c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
            }
            texts[i][used++] = c;
        }
        lengths[i] = used;
    }
    if (lengths[0] != lengths[1])
        fail("y: the two are of different lengths");
    for (unsigned i = 0; i < 256; i++)
        map[i] = (char)i;
    for (size_t i = 0; i < lengths[0]; i++)
        map[(uint8_t)texts[0][i]] = texts[1][i];
    free(texts[0]);
    free(texts[1]);
    command->text = map;
}

static void read_arguments(struct sed_command *command)
{
    switch (command->name) {
    case 'a':
    case 'i':
    case 'c':
        read_text(command);
        break;
    case ':':
        command->text = read_word(" \t\n;");
        if (!*command->text || command->first.kind != ADDRESS_NONE)
            fail("a label stands alone and has a name");
        break;
    case 'b':
    case 't':
    case 'T':
        command->text = read_word(" \t\n;}");
        break;
    case 'r':
        command->text = read_word("\n");
        break;
    case 'w':
        read_output(command);
        break;
    case 's':
        read_substitution(command);
        break;
    case 'y':
        read_transliteration(command);
        break;
    case 'q':
    case 'Q':
    case 'l':
    case 'L':
        skip_blanks();
        command->number = read_number();
        break;
    default:
        if (!strchr("=dDgGhHnNpPxz{}F", command->name))
            fail("no such command");
    }
}

static void resolve_labels(void)
{
    for (size_t i = 0; i < command_count; i++) {
        struct sed_command *command = &commands[i];
        if (!strchr("btT", command->name))
            continue;
        command->target = command_count;
        if (!*command->text)
            continue;
        size_t j = 0;
        while (j < command_count &&
               !(commands[j].name == ':' && !strcmp(commands[j].text, command->text)))
            j++;
        if (j == command_count) {
            complain_text(command->text, "no such label");
            exit(1);
        }
        command->target = j;
    }
}

void sed_read(struct sed_script *script, const char *text, size_t length, unsigned given)
{
    size_t open[64], depth = 0, capacity = 0;
    start = at = text;
    end = text + length;
    flags = given;
    script->quiet =
        length >= 2 && text[0] == '#' && text[1] == 'n' && (length == 2 || text[2] == '\n');
    for (;;) {
        while (at < end && strchr(" \t\n;", *at))
            at++;
        if (at >= end)
            break;
        if (*at == '#') {
            while (at < end && *at != '\n')
                at++;
            continue;
        }
        if (command_count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            struct sed_command *grown = realloc(commands, capacity * sizeof(*commands));
            if (!grown)
                out_of_memory("script");
            commands = grown;
        }
        struct sed_command *command = &commands[command_count++];
        *command = (struct sed_command){ .name = 0 };
        if (read_address(&command->first, false)) {
            skip_blanks();
            if (peek() == ',') {
                at++;
                skip_blanks();
                if (!read_address(&command->second, true))
                    fail("second address expected");
            }
        }
        bool from_zero = command->first.kind == ADDRESS_LINE && command->first.line == 0;
        if (from_zero && command->second.kind != ADDRESS_REGEX)
            fail("line 0 is for 0,/expression/ only");
        command->on = from_zero;
        skip_blanks();
        while (peek() == '!') {
            at++;
            command->negated = true;
            skip_blanks();
        }
        if (at >= end)
            fail("command expected");
        command->name = *at++;
        read_arguments(command);
        if (command->name == '{') {
            if (depth == sizeof(open) / sizeof(open[0]))
                fail("{ too deep");
            open[depth++] = command_count - 1;
            continue;
        }
        if (command->name == '}') {
            if (depth == 0)
                fail("} without {");
            commands[open[--depth]].target = command_count;
        }
        skip_blanks();
        if (at < end && !strchr("\n;}#", *at))
            fail("something stands behind the command");
    }
    if (depth > 0)
        fail("{ is not closed");
    resolve_labels();
    script->commands = commands;
    script->count = command_count;
}
