/* Regular expressions. A pattern is rewritten as TRE's extended syntax, which has more operators than ours and lacks
 * others: what is a letter here is escaped there. */
#define _GNU_SOURCE 1 /* memmem */
#include "expression.h"
#include "command.h"
#include "dfa.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <wchar.h>

/* ---- what TRE asks for (runtime/third_party/tre.sh) */

enum { AS_BYTES = 1, AS_CHARACTERS = 4 };
#define NO_CHARACTER 0x110000u /* and the byte: what is no character */

int tre_mb_cur_max = AS_CHARACTERS;
wchar_t tre_before;
size_t tre_next_character(wchar_t *out, const char *text, size_t length);

size_t tre_next_character(wchar_t *out, const char *text, size_t length)
{
    uint32_t c;
    size_t size = utf8_decode(text, length, &c);
    *out = (wchar_t)(size ? c : NO_CHARACTER + (uint32_t)(uint8_t)text[0]);
    return size ? size : 1;
}

/* Bytes an expression, and a search, may yet ask for; what is given back does not count. */
enum { COMPILE_BYTES = 64 << 20, SEARCH_BYTES = 64 << 20 };
static size_t tre_bytes;

void *tre_allocate(void *old, size_t size);
void *tre_allocate_zeros(size_t count, size_t size);

static bool tre_may_take(size_t size)
{
    bool may = size <= tre_bytes;
    tre_bytes -= may ? size : 0;
    return may;
}

void *tre_allocate(void *old, size_t size)
{
    return tre_may_take(size) ? realloc(old, size) : NULL;
}

void *tre_allocate_zeros(size_t count, size_t size)
{
    bool fits = size == 0 || count <= SIZE_MAX / size;
    return fits && tre_may_take(count * size) ? calloc(count, size) : NULL;
}

/* ---- rewriting */

struct writer {
    const char *at, *end;
    unsigned flags;
    wchar_t *out;
    size_t used;
    char *run, *best; /* literal bytes in a row, and the longest so far */
    size_t run_length, last_length, best_length; /* last: of the run's last character */
    unsigned depth, groups, closed;
    bool branched, pure;
    const char *message;
};

static void put(struct writer *writer, uint32_t c)
{
    writer->out[writer->used++] = (wchar_t)c;
}

static void put_text(struct writer *writer, const char *text)
{
    while (*text)
        put(writer, (uint8_t)*text++);
}

static void end_run(struct writer *writer)
{
    if (writer->run_length > writer->best_length) {
        memcpy(writer->best, writer->run, writer->run_length);
        writer->best_length = writer->run_length;
    }
    writer->run_length = writer->last_length = 0;
}

/* Something that is no literal. */
static void no_literal(struct writer *writer)
{
    end_run(writer);
    writer->pure = false;
}

static void put_literal(struct writer *writer, const char *bytes, size_t length)
{
    uint32_t c;
    size_t size = utf8_decode(bytes, length, &c);
    if (size == 0)
        c = NO_CHARACTER + (uint8_t)bytes[0];
    if (c < 0x80 && strchr(".[()*+?{|^$\\", (int)c) && c)
        put(writer, '\\');
    put(writer, c);
    if (writer->depth > 0)
        return;
    memcpy(writer->run + writer->run_length, bytes, length);
    writer->run_length += length;
    writer->last_length = length;
}

/* The last thing may be left out: it is in no run. */
static void last_is_optional(struct writer *writer)
{
    writer->run_length -= writer->last_length;
    no_literal(writer);
}

static bool sees(const struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(writer->end - writer->at) >= length && !memcmp(writer->at, text, length);
}

/* A letter behind a backslash that stands for a byte; -1: none. */
static int escape_of(char letter)
{
    static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? values[found - letters] : -1;
}

/* [...]; at stands behind the [. */
static void rewrite_set(struct writer *writer)
{
    const char *at = writer->at;
    no_literal(writer);
    put(writer, '[');
    if (at < writer->end && *at == '^') {
        put(writer, '^');
        at++;
    }
    for (bool first = true; at < writer->end && (first || *at != ']'); first = false) {
        char kind = at + 1 < writer->end && at[0] == '[' ? at[1] : 0;
        if (kind == ':' || kind == '=' || kind == '.') {
            const char *stop = at + 2;
            while (stop + 1 < writer->end && !(stop[0] == kind && stop[1] == ']'))
                stop++;
            if (stop + 1 >= writer->end) {
                writer->message = "[: in [ is not closed";
                return;
            }
            for (const char *from = kind == ':' ? at : at + 2;
                 from < (kind == ':' ? stop + 2 : stop); from++)
                put(writer, (uint8_t)*from);
            at = stop + 2;
            continue;
        }
        if (writer->flags & REGEX_ESCAPES && *at == '\\' && at + 1 < writer->end &&
            escape_of(at[1]) >= 0) {
            put(writer, (uint32_t)escape_of(at[1]));
            at += 2;
            continue;
        }
        wchar_t c;
        at += tre_next_character(&c, at, (size_t)(writer->end - at));
        put(writer, (uint32_t)c);
    }
    if (at >= writer->end) {
        writer->message = "[ is not closed";
        return;
    }
    put(writer, ']');
    writer->at = at + 1;
}

/* {N}, {N,}, {,M}, {N,M}; at stands behind the brace. False: it is none. */
static bool rewrite_interval(struct writer *writer)
{
    const char *at = writer->at;
    unsigned numbers[2] = { 0, 0 };
    bool given[2] = { false, false }, comma = false;
    for (; at < writer->end && ((*at >= '0' && *at <= '9') || (*at == ',' && !comma)); at++) {
        if (*at == ',') {
            comma = true;
            continue;
        }
        numbers[comma] =
            numbers[comma] < 10000 ? numbers[comma] * 10 + (unsigned)(*at - '0') : 10000;
        given[comma] = true;
    }
    bool basic = !(writer->flags & REGEX_EXTENDED);
    if ((!given[0] && !comma) || at >= writer->end ||
        (basic && (*at++ != '\\' || at >= writer->end)) || *at != '}')
        return false;
    writer->at = at + 1;
    if (numbers[0] > 255 || numbers[1] > 255 || (given[1] && numbers[1] < numbers[0])) {
        writer->message = "{} with numbers that cannot be";
        return true;
    }
    char text[32];
    sw_format(text, sizeof(text),
              given[1] ? "{%u,%u}"
              : comma  ? "{%u,}"
                       : "{%u}",
              numbers[0], numbers[1]);
    put_text(writer, text);
    if (numbers[0] == 0)
        last_is_optional(writer);
    else
        no_literal(writer);
    return true;
}

/* *, + and ? that follow one another are one of them: TRE would take the second for something else. */
static void rewrite_repetition(struct writer *writer, char kind)
{
    bool basic = !(writer->flags & REGEX_EXTENDED);
    for (;;) {
        char next = 0;
        if (sees(writer, "*"))
            next = '*';
        else if (basic ? sees(writer, "\\+") || sees(writer, "\\?")
                       : sees(writer, "+") || sees(writer, "?"))
            next = writer->at[basic];
        if (!next)
            break;
        writer->at += basic && next != '*' ? 2 : 1;
        if (next != kind)
            kind = '*';
    }
    put(writer, (uint8_t)kind);
    if (kind == '+')
        no_literal(writer);
    else
        last_is_optional(writer);
}

static void open_group(struct writer *writer)
{
    no_literal(writer);
    put(writer, '(');
    writer->depth++;
    writer->groups++;
}

static void close_group(struct writer *writer)
{
    put(writer, ')');
    writer->depth--;
    writer->closed = writer->groups;
    writer->last_length = 0;
}

static void branch(struct writer *writer)
{
    no_literal(writer);
    writer->branched |= writer->depth == 0;
    put(writer, '|');
}

/* What stands behind a backslash and is the same in both syntaxes. */
static void rewrite_escape(struct writer *writer, char letter)
{
    static const char *const classes[] = { "w[[:alnum:]_]", "W[^[:alnum:]_]", "s[[:space:]]",
                                           "S[^[:space:]]" };
    for (size_t i = 0; i < 4; i++)
        if (classes[i][0] == letter) {
            no_literal(writer);
            put_text(writer, classes[i] + 1);
            return;
        }
    if (strchr("<>bB", letter)) {
        no_literal(writer);
        put(writer, '\\');
        put(writer, (uint8_t)letter);
    } else if (letter == '`' || letter == '\'') {
        no_literal(writer);
        put(writer, letter == '`' ? '^' : '$');
    } else if (letter >= '1' && letter <= '9') {
        no_literal(writer);
        if ((unsigned)(letter - '0') > writer->closed)
            writer->message = "\\N without so many groups before it";
        put(writer, '\\');
        put(writer, (uint8_t)letter);
    } else if (writer->flags & REGEX_ESCAPES && escape_of(letter) >= 0) {
        char byte = (char)escape_of(letter);
        put_literal(writer, &byte, 1);
    } else {
        put_literal(writer, &letter, 1);
    }
}

static void rewrite(struct writer *writer)
{
    bool extended = writer->flags & REGEX_EXTENDED;
    bool at_start = true; /* of the expression, a group or a branch: nothing to repeat is before */
    while (writer->at < writer->end && !writer->message) {
        char c = *writer->at;
        bool escaped = c == '\\';
        if (escaped) {
            if (writer->at + 1 == writer->end) {
                writer->message = "\\ at the end";
                return;
            }
            c = writer->at[1];
        }
        /* an operator has a backslash in one syntax and none in the other */
        bool is_operator = strchr("(){|+?", c) && c && escaped != extended;
        bool starts = false;
        const char *here = writer->at;
        writer->at += escaped ? 2 : 1;
        if (is_operator && c == '(') {
            open_group(writer);
            starts = true;
        } else if (is_operator && c == ')' && (writer->depth > 0 || !extended)) {
            if (writer->depth == 0)
                writer->message = "\\) without \\(";
            else
                close_group(writer);
        } else if (is_operator && c == '|') {
            branch(writer);
            starts = true;
        } else if (is_operator && c == '{' && !at_start && rewrite_interval(writer)) {
            ;
        } else if (is_operator && c == '{' && !extended) {
            writer->message = "\\{ is not closed, or holds no numbers";
        } else if (is_operator && (c == '+' || c == '?') && !at_start) {
            rewrite_repetition(writer, c);
        } else if (c == '*' && !escaped && !at_start) {
            rewrite_repetition(writer, '*');
        } else if (c == '[' && !escaped) {
            rewrite_set(writer);
        } else if (c == '.' && !escaped) {
            no_literal(writer);
            put(writer, '.');
        } else if (c == '^' && !escaped && (extended || at_start)) {
            no_literal(writer);
            put(writer, '^');
            starts = true;
        } else if (c == '$' && !escaped &&
                   (extended || writer->at == writer->end || sees(writer, "\\)") ||
                    sees(writer, "\\|"))) {
            no_literal(writer);
            put(writer, '$');
        } else if (escaped && !is_operator && (c & 0x80) == 0) {
            rewrite_escape(writer, c);
        } else {
            const char *letter = escaped ? here + 1 : here;
            uint32_t character;
            size_t size = utf8_decode(letter, (size_t)(writer->end - letter), &character);
            size = size ? size : 1;
            writer->at = letter + size;
            put_literal(writer, letter, size);
        }
        at_start = starts;
    }
    if (!writer->message && writer->depth > 0)
        writer->message = extended ? "( is not closed" : "\\( is not closed";
}

const char *regex_compile(struct regex *regex, const char *pattern, size_t length, unsigned flags)
{
    struct writer writer = { .at = pattern, .end = pattern + length, .flags = flags, .pure = true };
    /* a letter becomes sixteen at most, as \W */
    writer.out = malloc((16 * length + 16) * sizeof(*writer.out));
    writer.run = malloc(2 * length + 2);
    if (!writer.out || !writer.run)
        out_of_memory(NULL);
    writer.best = writer.run + length + 1;
    if (flags & REGEX_WHOLE)
        put_text(&writer, "^(");
    size_t body = writer.used;
    rewrite(&writer);
    if (writer.used == body)
        put_text(&writer, "()"); /* TRE wants something */
    if (flags & REGEX_WHOLE)
        put_text(&writer, ")$");
    end_run(&writer);
    if (writer.branched || flags & REGEX_FOLD)
        writer.best_length = 0;
    *regex =
        (struct regex){ .groups = writer.groups,
                        .lines = flags & REGEX_LINES,
                        .literal = writer.best,
                        .literal_length = writer.best_length,
                        .pure = writer.pure && writer.best_length > 0 && !(flags & REGEX_WHOLE) };
    if (writer.message) {
        free(writer.out);
        return writer.message;
    }
    if (regex->pure) { /* memmem does it; TRE would refuse a long one */
        free(writer.out);
        return NULL;
    }
    int cflags = REG_EXTENDED | (flags & REGEX_FOLD ? REG_ICASE : 0) |
                 (flags & REGEX_LINES ? REG_NEWLINE : 0);
    tre_mb_cur_max = AS_CHARACTERS;
    tre_bytes = COMPILE_BYTES;
    int error = tre_regwncomp(&regex->compiled, writer.out, writer.used, cflags);
    if (error == REG_OK && !(flags & REGEX_LINES))
        regex->dfa = dfa_create(writer.out, writer.used, flags & REGEX_FOLD);
    free(writer.out);
    switch (error) {
    case REG_OK:
        return NULL;
    case REG_ECTYPE:
        return "no such class of characters";
    case REG_ERANGE:
        return "a range goes backwards";
    case REG_ESPACE:
        return "the regular expression is too large";
    default:
        return "not a regular expression";
    }
}

/* ---- matching */

static bool is_ascii(const char *text, size_t length)
{
    const char *end = text + length;
    for (; end - text >= 8; text += 8) {
        uint64_t word;
        memcpy(&word, text, sizeof(word));
        if (word & 0x8080808080808080ull)
            return false;
    }
    for (; text < end; text++)
        if (*text & 0x80)
            return false;
    return true;
}

bool regex_search(const struct regex *regex, const char *text, size_t length, size_t from,
                  struct regex_range *ranges, size_t count)
{
    regmatch_t matches[10];
    count = count < 10 ? count : 10;
    if (regex->pure && count <= 1) {
        const char *found =
            memmem(text + from, length - from, regex->literal, regex->literal_length);
        if (found && count)
            ranges[0] =
                (struct regex_range){ (size_t)(found - text),
                                      (size_t)(found - text) + regex->literal_length, true };
        return found != NULL;
    }
    if (regex->dfa && from == 0) {
        enum dfa_answer answer = dfa_search(regex->dfa, text, length);
        if (answer == DFA_NO || (answer == DFA_YES && count == 0))
            return answer == DFA_YES;
    }
    tre_before = 0;
    if (from > 0) { /* only whether it belongs to a word counts */
        size_t start = from - 1;
        while (start > 0 && from - start < 4 && (text[start] & 0xc0) == 0x80)
            start--;
        tre_next_character(&tre_before, text + start, from - start);
    }
    tre_mb_cur_max = is_ascii(text + from, length - from) ? AS_BYTES : AS_CHARACTERS;
    tre_bytes = SEARCH_BYTES;
    bool line_starts = from == 0 || (regex->lines && text[from - 1] == '\n');
    int error = tre_regnexec(&regex->compiled, text + from, length - from, count, matches,
                             line_starts ? 0 : REG_NOTBOL);
    if (error == REG_ESPACE)
        out_of_memory("regular expression");
    for (size_t i = 0; i < count && error == REG_OK; i++)
        ranges[i] = (struct regex_range){ from + (size_t)matches[i].rm_so,
                                          from + (size_t)matches[i].rm_eo, matches[i].rm_so >= 0 };
    return error == REG_OK;
}
