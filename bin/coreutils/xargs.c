/* xargs: runs a program with words read from standard input. */
#include "command.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>

static char **base;
static size_t base_count, base_size;
static bool trace;
static int result;

/* Runs the program with words behind its own. False: no more of them. */
static bool run(const char *const *words)
{
    for (size_t i = 0; trace && words[i]; i++) {
        write_all(2, words[i], strlen(words[i]));
        write_all(2, words[i + 1] ? " " : "\n", 1);
    }
    int status = run_program(words, NULL);
    if (status == 126 || status == 127)
        result = status;
    else if (status == 255)
        result = 124;
    else if (status > 128)
        result = 125;
    else if (status != 0)
        result = 123;
    if (status == 255)
        complain_text(words[0], "ended with 255: no more are run");
    return status < 126;
}

/* ---- reading words */

static struct input input;

static int next_byte(void)
{
    if (input.start == input.end && !input_fill(&input))
        return -1;
    return (uint8_t)input.buffer[input.start++];
}

/* The next word, to be freed; NULL at the end. end: what ends words, -1 for blanks, which quotes and backslashes
 * protect; *out_line: a line ended behind it. */
static char *next_word(int end, bool by_line, bool *out_bad)
{
    size_t used = 0, capacity = 64;
    char *word = malloc(capacity);
    int quote = 0, c;
    bool any = false;
    while ((c = next_byte()) >= 0) {
        bool blank = c == ' ' || c == '\t';
        if (end >= 0 ? c == end : !quote && (c == '\n' || (blank && !by_line))) {
            if (any || end >= 0)
                break;
            continue;
        }
        if (end < 0 && quote && c == '\n') {
            *out_bad = true;
            free(word);
            return NULL;
        }
        if (end < 0 && by_line && !any && blank)
            continue;
        any = true;
        if (end < 0 && (quote ? c == quote : c == '"' || c == '\'')) {
            quote = quote ? 0 : c;
            continue;
        }
        if (end < 0 && !quote && c == '\\' && (c = next_byte()) < 0)
            break;
        if (used + 1 == capacity) {
            capacity *= 2;
            word = realloc(word, capacity);
        }
        if (!word)
            out_of_memory("standard input");
        word[used++] = (char)c;
    }
    if (!word)
        out_of_memory("standard input");
    word[used] = 0;
    *out_bad |= quote != 0;
    if ((any || (end >= 0 && c >= 0)) && !*out_bad)
        return word;
    free(word);
    return NULL;
}

/* A copy of text with word for each `mark`. */
static char *replaced(const char *text, const char *mark, const char *word)
{
    size_t size = strlen(text) + 1, length = strlen(word), mark_length = strlen(mark);
    for (const char *at = text; (at = strstr(at, mark)) != NULL; at += mark_length)
        size += length;
    char *copy = malloc(size), *to = copy;
    if (!copy)
        out_of_memory(NULL);
    for (const char *found; (found = strstr(text, mark)) != NULL; text = found + mark_length) {
        memcpy(to, text, (size_t)(found - text));
        to += found - text;
        memcpy(to, word, length);
        to += length;
    }
    strcpy(to, text);
    return copy;
}

static void run_for_each(const char *mark, int end)
{
    const char **words = calloc(base_count + 1, sizeof(*words));
    bool bad = false, more = true;
    char *word;
    if (!words)
        out_of_memory(NULL);
    while (more && (word = next_word(end, true, &bad)) != NULL) {
        for (size_t i = 0; i < base_count; i++)
            words[i] = i ? replaced(base[i], mark, word) : base[i];
        more = run(words);
        for (size_t i = 1; i < base_count; i++)
            free((char *)words[i]);
        free(word);
    }
    if (bad)
        result = complain_text("standard input", "a quote is not closed");
}

static void run_together(uint64_t most, int end, bool even_none)
{
    const char **words = NULL;
    size_t count = base_count, capacity = 0, size = base_size;
    bool bad = false, more = true, any = false;
    for (;;) {
        char *word = next_word(end, false, &bad);
        size_t length = word ? RUN_WORD_SIZE(strlen(word)) : 0;
        bool full =
            count > base_count && (count - base_count == most || size + length > RUN_WORDS_MAX);
        if (count + 2 > capacity) {
            capacity = 2 * (count + 2);
            words = realloc(words, capacity * sizeof(*words));
            if (!words)
                out_of_memory("standard input");
            memcpy(words, base, base_count * sizeof(*words));
        }
        if (full || (!word && !bad && (count > base_count || (even_none && !any)))) {
            words[count] = NULL;
            more = run(words);
            any = true;
            for (size_t i = base_count; i < count; i++)
                free((char *)words[i]);
            count = base_count;
            size = base_size;
        }
        if (!word || !more)
            break;
        words[count++] = word;
        size += length;
    }
    if (bad)
        result = complain_text("standard input", "a quote is not closed");
}

int command_xargs(int count, char **arguments)
{
    static char *echo[] = { "echo", NULL };
    struct options options;
    uint64_t most = UINT64_MAX;
    const char *mark = NULL;
    int end = -1;
    bool even_none = true;
    options_start(&options, count, arguments, OPTIONS_FIRST);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == '0')
            end = 0;
        if (letter == 'd') {
            char text[8] = "";
            if (strlen(options.value) >= sizeof(text) || unescape(options.value, text) > 1)
                return usage("%s: the delimiter is one byte", options.value);
            end = (uint8_t)text[0];
        }
        if (letter == 'n' && (!parse_number(options.value, 10, &most) || most == 0))
            return usage("%s: not a number of words", options.value);
        if (letter == 'I')
            mark = options.value;
        trace |= letter == 't';
        if (letter == 'r')
            even_none = false;
    }
    base = options.count ? options.arguments : echo;
    while (base[base_count])
        base_size += RUN_WORD_SIZE(strlen(base[base_count++]));
    if (mark && !*mark)
        return usage("-I: text expected");
    if (!input_open(&input, "-"))
        return 1;
    input.name = "standard input";
    /* the program must not eat the words */
    int none;
    if (sw_fd_duplicate(0, 3, &input.fd) == SW_OK &&
        sw_fd_open("/dev/null", SW_OPEN_READ, 0, &none) == SW_OK) {
        sw_fd_duplicate_to(none, 0);
        sw_fd_close(none);
    }
    if (mark)
        run_for_each(mark, end);
    else
        run_together(most, end, even_none);
    return input.failed ? 1 : result;
}
