/* test and [: conditions, for programs that want one; the shell has its own. */
#include "command.h"
#include <string.h>
#include <swos/fd.h>
#include <swos/path.h>

static char **words;
static int left;

enum { NO = 1, MISTAKE = 2 };

static bool failed;

static bool mistake(const char *thing, const char *text)
{
    if (!failed)
        complain_text(thing, text);
    failed = true;
    return false;
}

static bool is_unary(const char *word)
{
    return word[0] == '-' && word[1] && !word[2] && strchr("bcdefghknprstuwxzGLOS", word[1]);
}

static bool is_binary(const char *word)
{
    static const char names[][4] = { "=",   "==",  "!=",  "<",   ">",   "-eq", "-ne",
                                     "-lt", "-le", "-gt", "-ge", "-nt", "-ot" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i], word))
            return true;
    return false;
}

static bool is_read_only(const char *path)
{
    struct sw_file_space_reply space;
    struct sw_place place;

    return sw_path_resolve(path, &place) != SW_OK ||
           sw_file_space(place.connection, &space, SW_NEVER) != SW_OK || space.read_only;
}

static bool may(const char *path, uint32_t flags)
{
    int fd;
    if (sw_fd_open(path, flags, 0, &fd) != SW_OK)
        return false;
    sw_fd_close(fd);
    return true;
}

static bool unary(char letter, const char *word)
{
    struct sw_attributes attributes;
    uint64_t number;
    if (letter == 'n' || letter == 'z')
        return (*word != 0) == (letter == 'n');
    if (letter == 't')
        return parse_number(word, 10, &number) && number < SW_FD_LIMIT &&
               sw_fd_terminal((int)number) == SW_OK;
    if (sw_path_attributes(word, &attributes) != SW_OK)
        return false;
    switch (letter) {
    case 'd':
        return attributes.kind == SW_FILE_DIRECTORY;
    case 'f':
        return attributes.kind == SW_FILE_REGULAR;
    case 'c':
        return attributes.kind == SW_FILE_DEVICE;
    case 's':
        return attributes.size > 0;
    case 'e':
        return true;
    case 'r':
        return attributes.kind == SW_FILE_DIRECTORY ? sw_path_allows(&attributes, 4)
                                                    : may(word, SW_OPEN_READ);
    case 'w':
        return attributes.kind == SW_FILE_DIRECTORY
                   ? sw_path_allows(&attributes, 2) && !is_read_only(word)
                   : may(word, SW_OPEN_WRITE);
    case 'x':
        return sw_path_allows(&attributes, 1);
    case 'k':
        return (attributes.mode & 01000) != 0;
    default: /* there are no links, pipes, sockets and block devices with names, and no set-user bits */
        return false;
    }
}

static int64_t number_of(const char *text)
{
    const char *digits = text + (*text == '-' || *text == '+');
    uint64_t number;
    if (!parse_number(digits, 10, &number) || number > INT64_MAX)
        return mistake(text, "not a number");
    return *text == '-' ? -(int64_t)number : (int64_t)number;
}

static bool binary(const char *a, const char *name, const char *b)
{
    if (name[0] != '-') {
        int result = strcmp(a, b);
        return name[0] == '='   ? result == 0
               : name[0] == '!' ? result != 0
               : name[0] == '<' ? result < 0
                                : result > 0;
    }
    if (!strcmp(name, "-nt") || !strcmp(name, "-ot")) {
        struct sw_attributes one, other;
        const char *newer = name[1] == 'n' ? a : b, *older = name[1] == 'n' ? b : a;
        return sw_path_attributes(newer, &one) == SW_OK &&
               (sw_path_attributes(older, &other) != SW_OK || one.mtime > other.mtime);
    }
    int64_t x = number_of(a), y = number_of(b);
    switch (name[1] << 8 | name[2]) {
    case 'e' << 8 | 'q':
        return x == y;
    case 'n' << 8 | 'e':
        return x != y;
    case 'l' << 8 | 't':
        return x < y;
    case 'l' << 8 | 'e':
        return x <= y;
    case 'g' << 8 | 't':
        return x > y;
    default:
        return x >= y;
    }
}

static bool either(void);

static bool primary(void)
{
    if (left == 0)
        return mistake(NULL, "something is missing at the end");
    /* what stands between two words is an operator, whatever the words are */
    if (left >= 3 && is_binary(words[1])) {
        bool result = binary(words[0], words[1], words[2]);
        words += 3;
        left -= 3;
        return result;
    }
    if (!strcmp(words[0], "!") && left > 1) {
        words++;
        left--;
        return !primary();
    }
    if (!strcmp(words[0], "(") && left > 1) {
        words++;
        left--;
        bool result = either();
        if (left == 0 || strcmp(words[0], ")") != 0)
            return mistake(NULL, "( is not closed");
        words++;
        left--;
        return result;
    }
    if (left >= 2 && is_unary(words[0])) {
        bool result = unary(words[0][1], words[1]);
        words += 2;
        left -= 2;
        return result;
    }
    left--;
    return **words++ != 0;
}

static bool both(void)
{
    bool result = primary();
    while (left > 0 && !strcmp(words[0], "-a")) {
        words++;
        left--;
        result &= primary();
    }
    return result;
}

static bool either(void)
{
    bool result = both();
    while (left > 0 && !strcmp(words[0], "-o")) {
        words++;
        left--;
        result |= both();
    }
    return result;
}

/* What three and four words mean does not depend on what could be read in them otherwise: a binary operator
 * is in the middle, or parentheses are around the rest, or `!` is before all of it. Takes what is around the
 * rest away; whether that is to be negated. */
static bool is_negated(void)
{
    bool negated = false;

    while (left == 4 || (left == 3 && !is_binary(words[1]))) {
        if (!strcmp(words[0], "(") && !strcmp(words[left - 1], ")")) {
            words++;
            left -= 2;
            break;
        }
        if (strcmp(words[0], "!") != 0)
            break;
        words++;
        left--;
        negated = !negated;
    }
    return negated;
}

int command_test(int count, char **arguments)
{
    if (!strcmp(command_name, "[")) {
        if (count < 2 || strcmp(arguments[count - 1], "]") != 0) {
            complain_text(NULL, "] expected");
            return MISTAKE;
        }
        count--;
    }
    words = arguments + 1;
    left = count - 1;
    if (left == 0)
        return NO;
    bool negated = is_negated();
    bool result = either() != negated;
    if (left > 0)
        mistake(words[0], "not expected here");
    return failed ? MISTAKE : result ? 0 : NO;
}
