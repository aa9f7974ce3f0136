/* Options as the pages in docs/commands declare them. The tables hold offsets, no pointers: data with
 * pointers would be private pages of each process. */
#include "command.h"
#include <string.h>
#include <swos/log.h>

#include <coreutils/pages.inc>

static const struct page_entry *own_page(void)
{
    for (size_t i = 0; i < sizeof(page_table) / sizeof(page_table[0]); i++)
        if (!strcmp(page_text + page_table[i].name, command_name))
            return &page_table[i];
    return NULL;
}

/* The lines "usage: ..." of the help: those before the first that is no synopsis. */
static size_t synopsis_length(const char *help)
{
    const char *end = strchr(help, '\n') + 1;
    while (*end == ' ')
        end = strchr(end, '\n') + 1;
    return (size_t)(end - help);
}

int usage(const char *message, ...)
{
    const char *help = page_text + own_page()->help;
    if (message) {
        char text[SW_PATH_MAX + 64];
        va_list arguments;
        va_start(arguments, message);
        sw_format_list(text, sizeof(text), message, arguments);
        va_end(arguments);
        complain_text(NULL, text);
    }
    write_all(2, help, synopsis_length(help));
    return 2;
}

void options_start(struct options *options, int count, char **arguments, enum option_order order)
{
    *options = (struct options){ .given = arguments,
                                 .given_count = count,
                                 .next = 1,
                                 .arguments = arguments + 1,
                                 .order = order };
}

static int refuse(struct options *options, int status)
{
    options->status = status;
    return OPTION_END_EARLY;
}

static int found(struct options *options, const struct option_entry *entry)
{
    options->name = page_text + entry->long_name;
    return entry->letter;
}

/* The next word as a value, NULL if there is none. */
static char *next_word(struct options *options)
{
    return options->next < options->given_count ? options->given[options->next++] : NULL;
}

/* An option with a letter, or by number, at options->letters. */
static int next_letter(struct options *options, const struct page_entry *page)
{
    const struct option_entry *table = option_table + page->first, *entry = NULL;
    char letter = *options->letters;
    for (size_t i = 0; i < page->count && !entry; i++)
        if (table[i].letter == (uint8_t)letter && letter > OPTION_NUMBER)
            entry = &table[i];
    bool is_number = options->letters[strspn(options->letters, "0123456789")] == 0;
    for (size_t i = 0; i < page->count && !entry && is_number && options->at_start; i++)
        if (table[i].letter == OPTION_NUMBER)
            entry = &table[i];
    if (!entry)
        return refuse(options, usage("unknown option -%c", letter));
    options->at_start = false;
    if (entry->letter == OPTION_NUMBER) {
        options->value = options->letters;
        options->letters = NULL;
        return found(options, entry);
    }
    options->letters = options->letters[1] ? options->letters + 1 : NULL;
    if (entry->takes_value) {
        options->value = options->letters ? options->letters : next_word(options);
        options->letters = NULL;
        if (!options->value)
            return refuse(options, usage("-%c: value expected", letter));
    }
    return found(options, entry);
}

/* --word or --word=value; a word may be cut short as long as it is one option's. */
static int next_long(struct options *options, const struct page_entry *page, char *word)
{
    const struct option_entry *table = option_table + page->first, *entry = NULL, *other = NULL;
    char *value = strchr(word, '=');
    size_t length = value ? (size_t)(value - word) : strlen(word);
    for (size_t i = 0; i < page->count; i++) {
        const char *name = page_text + table[i].long_name;
        if (!*name || strncmp(name, word, length) != 0)
            continue;
        bool exact = name[length] == 0;
        other = exact ? NULL : entry;
        entry = &table[i];
        if (exact)
            break;
    }
    if (!entry)
        return refuse(options, usage("unknown option --%s", word));
    if (other)
        return refuse(options, usage("--%s is --%s or --%s", word, page_text + other->long_name,
                                     page_text + entry->long_name));
    if (value && !entry->takes_value)
        return refuse(options, usage("--%s takes no value", page_text + entry->long_name));
    if (entry->takes_value)
        options->value = value ? value + 1 : next_word(options);
    if (entry->takes_value && !options->value)
        return refuse(options, usage("--%s: value expected", page_text + entry->long_name));
    return found(options, entry);
}

/* No more options: the words left are operands. */
static int finish(struct options *options)
{
    while (options->next < options->given_count)
        options->arguments[options->count++] = options->given[options->next++];
    options->arguments[options->count] = NULL;
    return 0;
}

int option_next(struct options *options)
{
    const struct page_entry *page = own_page();
    options->value = NULL;
    if (options->letters)
        return next_letter(options, page);
    while (options->next < options->given_count) {
        char *word = options->given[options->next];
        if (word[0] != '-' || !word[1]) {
            if (options->order == OPTIONS_FIRST)
                break;
            /* operands move to the front of the words already looked at */
            options->arguments[options->count++] = word;
            options->next++;
            continue;
        }
        options->next++;
        if (!strcmp(word, "--"))
            break;
        if (!strcmp(word, "--help")) {
            const char *help = page_text + page->help;
            return refuse(options, write_all(1, help, strlen(help)) == SW_OK ? 0 : 1);
        }
        if (word[1] == '-')
            return next_long(options, page, word + 2);
        options->letters = word + 1;
        options->at_start = true;
        return next_letter(options, page);
    }
    return finish(options);
}

bool options_none(struct options *options, int count, char **arguments)
{
    options_start(options, count, arguments, OPTIONS_ANYWHERE);
    return option_next(options) == 0;
}

void operands_default(struct options *options)
{
    static char *standard_input[] = { "-", NULL };
    if (options->count > 0)
        return;
    options->arguments = standard_input;
    options->count = 1;
}
