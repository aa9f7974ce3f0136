/* Which service a line of the kernel log belongs to. See kernel_lines.h. */
#include "kernel_lines.h"

#include <string.h>

struct span {
    const char *at, *end;
};

static bool take(struct span *span, const char *words)
{
    size_t length = strlen(words);
    if ((size_t)(span->end - span->at) < length || memcmp(span->at, words, length) != 0)
        return false;
    span->at += length;
    return true;
}

/* The word in front of the first of the bytes in `stops`. */
static bool take_word(struct span *span, const char *stops, const char **out_word,
                      size_t *out_length)
{
    const char *at = span->at;
    while (at < span->end && !strchr(stops, *at))
        at++;
    if (at == span->end || at == span->at)
        return false;
    *out_word = span->at;
    *out_length = (size_t)(at - span->at);
    span->at = at;
    return true;
}

bool kernel_line_parse(const char *line, size_t length, struct kernel_line *out)
{
    struct span span = { line, line + length };
    const char *word;
    size_t word_length;
    *out = (struct kernel_line){ 0 };
    if (!take(&span, "["))
        return false;
    while (span.at < span.end && *span.at >= '0' && *span.at <= '9')
        out->milliseconds = out->milliseconds * 10 + (uint64_t)(*span.at++ - '0');
    if (!take(&span, "] ["))
        return false;
    out->text = span.at - 1;
    out->text_length = (size_t)(span.end - out->text);
    if (span.end - span.at < 3)
        return false;
    span.at++; /* the level */
    if (!take(&span, "] ") || !take_word(&span, ":", &word, &word_length) || !take(&span, ": "))
        return false;
    out->owner = word;
    out->owner_length = word_length;
    if (word_length == 4 && memcmp(word, "init", 4) == 0) {
        take_word(&span, ": ", &out->owner, &out->owner_length);
    } else if (word_length == 5 && memcmp(word, "crash", 5) == 0) {
        out->owner = NULL;
        struct span rest = span;
        if (take_word(&rest, " ", &word, &word_length) && take(&rest, " pid ") &&
            take_word(&rest, " ", &line, &length) && take(&rest, " ended: ")) {
            out->owner = word;
            out->owner_length = word_length;
        }
    }
    return true;
}
