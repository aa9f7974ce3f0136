/* Regular expressions, basic and extended as POSIX and GNU have them, by TRE.
 *
 * A character is one of UTF-8; a byte that is none is a character of its own, which only `.`, sets that exclude
 * and the same byte fit. A text of ASCII is matched as bytes, which is faster and gives the same. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <tre/tre.h>

#define REGEX_EXTENDED 1u
#define REGEX_FOLD 2u    /* small and capital letters are the same */
#define REGEX_ESCAPES 4u /* \n, \t and so on, as sed has them */
#define REGEX_WHOLE 8u   /* the whole text must fit */
#define REGEX_LINES 16u  /* ^ and $ fit within the text, too */

struct regex {
    regex_t compiled;
    struct dfa *dfa; /* NULL: none */
    size_t groups;
    /* bytes every text that fits contains; longest run found, length 0: none */
    char *literal;
    size_t literal_length;
    bool lines;
    bool pure; /* the expression is nothing else */
};

struct regex_range {
    size_t start, end;
    bool set;
};

/* A message, or NULL. */
const char *regex_compile(struct regex *regex, const char *pattern, size_t length, unsigned flags);
/* The first match from `from` on, the longest there; ranges[0] is all of it, then the groups. */
bool regex_search(const struct regex *regex, const char *text, size_t length, size_t from,
                  struct regex_range *ranges, size_t count);
