/* What the commands of the multi-call binary share. One file a command; a new command is a file, a line
 * in commands.inc and a page in docs/commands, which declares its options. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>
#include <swos/protocol.h>

/* Each command: arguments[0] is its name; returns the exit status. */
#define COMMAND(name) int command_##name(int count, char **arguments);
#include "commands.inc"
#undef COMMAND

/* Name of the running command, for messages. */
extern const char *command_name;

/* Prints "NAME: THING: what the status means" (with the capability that is missing) and returns
 * 1. NULL as thing: none. */
int complain(const char *thing, status_t status);
/* The same with words of its own. */
int complain_text(const char *thing, const char *text);
/* Asks "NAME: WHAT 'PATH'? " on standard error; whether a line that begins with y comes from standard input. */
bool confirm(const char *what, const char *path);
/* Prints the message, if any, and the command's synopsis, and returns 2. */
int usage(const char *message, ...) __attribute__((format(printf, 1, 2)));

/* ---- options.c: options as the command's page declares them. Letters may stand together, values stand
 * behind their letter or "=" or in the next word, long names may be cut short, "--" ends the options,
 * --help is answered. */
enum {
    OPTION_END_EARLY = -1, /* help was given or something refused: return options->status */
    OPTION_NUMBER = 1,     /* -NUMBER; value */
    OPTION_LONG = 2,       /* an option without a letter: name */
};

enum option_order {
    OPTIONS_ANYWHERE, /* options and operands may be mixed */
    OPTIONS_FIRST,    /* the first operand ends them: the rest are another command's words */
};

struct options {
    const char *name; /* long name of the option found */
    char *value;      /* its value, NULL if it takes none */
    int status;
    char **arguments; /* after the last option: the operands, count of them, then NULL */
    int count;
    /* own */
    char **given, *letters;
    int given_count, next;
    enum option_order order;
    bool at_start;
};

void options_start(struct options *options, int count, char **arguments, enum option_order order);
/* The letter of the next option, or one of the numbers above; 0: no more, the operands are there. */
int option_next(struct options *options);
/* No operands: one, "-", standard input. */
void operands_default(struct options *options);
/* For a command without options: true if the operands are there, else return options->status. */
bool options_none(struct options *options, int count, char **arguments);

/* Bytes of one read or write. */
#define PIECE 65536

/* Writes all bytes to a descriptor. */
status_t write_all(int fd, const void *bytes, size_t length);

/* ---- output.c: buffered standard output. A failure is said and ends the program. */
extern int trouble; /* the exit status then, 1 unless the command says otherwise */
/* What messages call it; NULL: standard output. */
extern const char *out_target;
/* A file that is not finished; NULL: none. out_abandon removes it, and what ends the program here does. */
extern const char *out_temporary;
void out_abandon(void);
void out_bytes(const void *bytes, size_t length);
void out_text(const char *text);
void out_char(char c);
void out_spaces(size_t count);
/* At most 255 bytes. */
void out_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_flush(void);
int out_finish(int result); /* flushes and returns result */
/* Says so, and ends the program. */
void out_of_memory(const char *thing) __attribute__((noreturn));

/* ---- input.c: reading by lines and pieces. Failures are said as they come. */
struct input {
    int fd;
    const char *name;
    bool flushes, ended, failed;
    char *buffer; /* bytes start to end are not yet taken */
    size_t start, end, capacity;
};
/* An operand; "-" is standard input. False: said already. */
bool input_open(struct input *input, const char *name);
void input_close(struct input *input);
bool input_fill(struct input *input);
/* The next line with the `end` it ends with, which the last one may lack; good until the next call, and
 * the caller's to change. False at the end. */
bool input_line(struct input *input, char end, char **out_line, size_t *out_length);
/* What the next read gives. */
bool input_piece(struct input *input, char **out_piece, size_t *out_length);
/* Opens the operands, standard input when there are none, and gives each to take(). The exit status so far. */
int inputs_each(struct options *options, void (*take)(struct input *input));
/* All that is left, from buffer + start to buffer + end. False: failed. */
bool input_whole(struct input *input);

/* ---- tree.c: directories and what is in them. */
struct entry {
    struct sw_attributes attributes;
    char *name;
};
struct listing {
    struct entry *entries; /* sorted by name */
    size_t count;
};
status_t listing_read(struct listing *listing, const char *path);
void listing_free(struct listing *listing);
/* directory/name, to be freed; NULL when that is too long, which is said. */
char *path_below(const char *directory, const char *name);
/* Visits the entries of a directory, sorted; says what fails; exit statuses are joined by or. */
int for_each_entry(const char *path,
                   int (*visit)(const char *path, const struct sw_attributes *attributes));
bool is_directory(const char *path);
struct remove_options {
    bool verbose; /* what is removed is said */
    bool asks;    /* before each */
};
/* Removes a file, or a directory with all that is in it. */
int remove_tree(const char *path, const struct sw_attributes *attributes,
                const struct remove_options *options);
struct copy_options {
    bool recursive; /* directories, too */
    bool preserve;  /* mode, owner and time */
    bool force;     /* a target that cannot be opened is removed first */
    bool keep;      /* what is there stays as it is */
    bool asks;      /* before what is there is replaced */
    bool verbose;   /* what is copied is said */
};
int copy_tree(const char *source, const char *path, const struct copy_options *options);

/* ---- text.c */
/* Bytes of the character at the start of text, which has at least one byte; 0: not UTF-8. */
size_t utf8_decode(const char *text, size_t length, uint32_t *out);
/* ASCII letters as small ones, for comparing without case. */
static inline uint8_t fold_byte(char c)
{
    return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}
/* \n, \t, \\ and so on, \NNN octal; the length of what is in out, which may be text. */
size_t unescape(const char *text, char *out);
/* A number, with k, M, G, T (of 1024) or b (512) behind it. */
bool parse_size(const char *text, uint64_t *out_number);
/* 999, 1.2K, 45M. */
void human_size(uint64_t size, char out[8]);
/* Name of a principal, its number when it has none; and back. */
void account_name(uint32_t principal, char *out, size_t capacity);
bool account_principal(const char *text, uint32_t *out_principal);

/* Prints "WHAT'SOURCE' -> 'PATH'" and a newline. */
void out_arrow(const char *what, const char *source, const char *path);

/* Copies from one descriptor to another up to the end; *out_reading tells which side failed. */
status_t copy_all(int from, int to, bool *out_reading);

/* Opens an operand for reading; "-" is descriptor 0. Complains and returns -1. */
int open_operand(const char *path);
/* Whether reading the descriptor up to its end would never end, as what is printed is added to it. */
bool is_own_output(int fd);
void close_operand(int fd);

/* Puts directory and name together in out, SW_PATH_MAX bytes. NAME_TOO_LONG. */
status_t join(char *out, const char *directory, const char *name);
/* Last component of a path, slashes at its end not counted; it may have those behind it. */
const char *base_name(const char *path, size_t *out_length);

/* What cp and mv share, the operands SOURCE... TARGET: put() each source at its path, which lies in
 * TARGET when that is a directory, as it must be for several sources. put complains itself and
 * returns the exit status; so does this. replaces: put replaces what is there, which must not be one of the
 * sources before. */
int put_each(const struct options *options, bool replaces,
             int (*put)(const char *source, const char *path));

/* Numbers: the whole text, false when it is none. */
bool parse_number(const char *text, unsigned base, uint64_t *out_number);
