/* ls: what is in directories. On a terminal in columns, and what would move the cursor is shown as `?`;
 * else a name a line, its bytes as they are. */
#include "command.h"
#include "times.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/path.h>

static bool all, almost_all, long_format, recursive, human, reverse, itself, classify, terminal,
    columns;
static char order; /* t, S or by name */
static size_t width = 80;

/* ---- printing */

/* The name as a terminal shows it, in out if there is one; its width. */
static size_t visible(const char *name, char *out)
{
    size_t length = strlen(name), shown = 0, used = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t size = utf8_decode(name + i, length - i, &c);
        bool hidden = terminal && (size == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0));
        size += size == 0;
        if (out && hidden)
            out[used++] = '?';
        else if (out)
            memcpy(out + used, name + i, size);
        used += out && !hidden ? size : 0;
        i += size;
        shown++;
    }
    if (out)
        out[used] = 0;
    return shown;
}

static char mark(const struct sw_attributes *attributes)
{
    if (!classify)
        return 0;
    return attributes->kind == SW_FILE_DIRECTORY                              ? '/'
           : attributes->kind == SW_FILE_REGULAR && (attributes->mode & 0111) ? '*'
                                                                              : 0;
}

static size_t print_name(const struct entry *entry)
{
    static char shown[SW_PATH_MAX];
    size_t columns_used = visible(entry->name, shown);
    char letter = mark(&entry->attributes);
    out_text(shown);
    if (letter)
        out_char(letter);
    return columns_used + (letter != 0);
}

static void mode_text(const struct sw_attributes *attributes, char out[11])
{
    static const char letters[] = "rwxrwxrwx";
    uint32_t mode = attributes->mode;
    out[0] = attributes->kind == SW_FILE_DIRECTORY ? 'd'
             : attributes->kind == SW_FILE_DEVICE  ? 'c'
                                                   : '-';
    for (int i = 0; i < 9; i++)
        out[1 + i] = mode >> (8 - i) & 1 ? letters[i] : '-';
    if (mode & 01000)
        out[9] = mode & 1 ? 't' : 'T';
    out[10] = 0;
}

static void print_long(const struct entry *entry)
{
    char mode[11], owner[32], size[24];
    const struct sw_attributes *attributes = &entry->attributes;
    struct civil_time time = civil_time(attributes->mtime);
    mode_text(attributes, mode);
    account_name(attributes->owner, owner, sizeof(owner));
    size_t padding = strlen(owner) < 8 ? 8 - strlen(owner) : 0;
    out_text(mode);
    for (int i = 0; i < 2; i++) { /* owner and group: an account is its own group */
        out_char(' ');
        out_text(owner);
        out_spaces(padding);
    }
    if (human)
        human_size(attributes->size, size);
    else
        sw_format(size, sizeof(size), "%llu", (unsigned long long)attributes->size);
    out_format(" %10s %04u-%02u-%02u %02u:%02u ", size, time.year, time.month, time.day, time.hour,
               time.minute);
    print_name(entry);
    out_char('\n');
}

/* As many columns as fit, filled from the top. */
static void print_columns(const struct entry *entries, size_t count)
{
    enum { GAP = 2, LEAST = 3 };
    size_t best = 1, rows = count;
    uint16_t *widths = malloc((count + 1) * sizeof(*widths));
    uint16_t *widest = malloc((count + 1) * sizeof(*widest)); /* of each column */
    if (!widths || !widest)
        out_of_memory(NULL);
    for (size_t i = 0; i < count; i++) {
        size_t shown = visible(entries[i].name, NULL) + (mark(&entries[i].attributes) != 0);
        widths[i] = (uint16_t)shown;
    }
    for (size_t tried = width / LEAST < count ? width / LEAST : count; tried > 1; tried--) {
        size_t height = (count + tried - 1) / tried, sum = 0;
        for (size_t column = 0; column * height < count && sum <= width; column++) {
            widest[column] = 0;
            for (size_t i = column * height; i < count && i < (column + 1) * height; i++)
                widest[column] = widths[i] > widest[column] ? widths[i] : widest[column];
            sum += widest[column] + (column ? GAP : 0u);
        }
        if (sum > width)
            continue;
        best = tried;
        rows = height;
        break;
    }
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < best && column * rows + row < count; column++) {
            size_t at = column * rows + row;
            size_t used = print_name(&entries[at]);
            if (at + rows >= count)
                break;
            out_spaces(widest[column] + GAP - used);
        }
        out_char('\n');
    }
    free(widest);
    free(widths);
}

static int by_order(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    int result = 0;
    if (order == 't' && one->attributes.mtime != other->attributes.mtime)
        result = one->attributes.mtime < other->attributes.mtime ? 1 : -1;
    else if (order == 'S' && one->attributes.size != other->attributes.size)
        result = one->attributes.size < other->attributes.size ? 1 : -1;
    else
        result = strcmp(one->name, other->name);
    return reverse ? -result : result;
}

static void print_entries(struct entry *entries, size_t count)
{
    if (count > 0)
        qsort(entries, count, sizeof(*entries), by_order);
    if (columns && count > 0) {
        print_columns(entries, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (long_format) {
            print_long(&entries[i]);
            continue;
        }
        print_name(&entries[i]);
        out_char('\n');
    }
}

/* ---- directories */

static bool titled, later;

static int list_directory(const char *path)
{
    struct listing listing;
    int result = 0;
    status_t status = listing_read(&listing, path);
    if (status != SW_OK) {
        out_flush();
        return complain(path, status);
    }
    /* one more for each of . and .. */
    struct entry *shown = malloc((listing.count + 2) * sizeof(*shown));
    size_t count = 0;
    if (!shown)
        out_of_memory(path);
    for (int i = 0; i < 2 && all; i++) {
        static char dots[2][3] = { ".", ".." };
        char *dot = path_below(path, dots[i]);
        if (dot && sw_path_attributes(dot, &shown[count].attributes) == SW_OK)
            shown[count++].name = dots[i];
        free(dot);
    }
    for (size_t i = 0; i < listing.count; i++)
        if (listing.entries[i].name[0] != '.' || all || almost_all)
            shown[count++] = listing.entries[i];
    if (titled) {
        if (later)
            out_char('\n');
        out_text(path);
        out_text(":\n");
    }
    later = true;
    print_entries(shown, count);
    for (size_t i = 0; i < count && recursive; i++) {
        if (shown[i].attributes.kind != SW_FILE_DIRECTORY || !strcmp(shown[i].name, ".") ||
            !strcmp(shown[i].name, ".."))
            continue;
        char *below = path_below(path, shown[i].name);
        result |= below ? list_directory(below) : 1;
        free(below);
    }
    free(shown);
    listing_free(&listing);
    return result;
}

static void take(int letter)
{
    all |= letter == 'a';
    almost_all |= letter == 'A';
    recursive |= letter == 'R';
    human |= letter == 'h';
    reverse |= letter == 'r';
    itself |= letter == 'd';
    classify |= letter == 'F';
    if (letter == 't' || letter == 'S')
        order = (char)letter;
    if (letter == 'l' || letter == '1' || letter == 'C') {
        long_format = letter == 'l' || (long_format && letter == '1');
        columns = letter == 'C';
    }
}

int command_ls(int count, char **arguments)
{
    static char *here[] = { "." };
    struct options options;
    struct sw_fd_facts facts;
    struct sw_terminal_get_mode_reply mode;
    int result = 0;
    if (sw_fd_facts(1, &facts) == SW_OK && facts.kind == SW_FD_TERMINAL) {
        terminal = columns = true;
        if (facts.control && sw_terminal_get_mode(facts.control, &mode, SW_NEVER) == SW_OK &&
            mode.columns > 0)
            width = mode.columns;
    }
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        take(letter);
    }
    char **paths = options.count > 0 ? options.arguments : here;
    size_t path_count = options.count > 0 ? (size_t)options.count : 1, files = 0, folders = 0;
    struct entry *entries = malloc(path_count * sizeof(*entries));
    if (!entries)
        out_of_memory(NULL);
    /* files first, from the front; directories after them, from the back */
    for (size_t i = 0; i < path_count; i++) {
        struct sw_attributes attributes;
        status_t status = sw_path_attributes(paths[i], &attributes);
        struct entry entry = { attributes, paths[i] };
        if (status != SW_OK)
            result = 2 * complain(paths[i], status); /* what was asked for is not there at all */
        else if (attributes.kind == SW_FILE_DIRECTORY && !itself)
            entries[path_count - ++folders] = entry;
        else
            entries[files++] = entry;
    }
    print_entries(entries, files);
    later = files > 0;
    titled = path_count > 1 || recursive;
    struct entry *last = entries + path_count - folders;
    if (folders > 0)
        qsort(last, folders, sizeof(*last), by_order);
    for (size_t i = 0; i < folders; i++)
        result |= list_directory(last[i].name);
    free(entries);
    return out_finish(result);
}
