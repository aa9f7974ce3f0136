/* ls [-l] [PATH...]: names, one a line; -l: mode, owner, group, size, time, name. */
#include "command.h"
#include "date.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/path.h>

struct entry {
    struct sw_attributes attributes;
    char *name;
};

static bool long_format;

/* ---- names of principals, from /etc/passwd; without it numbers */

static char *accounts; /* the file's text; "" when it cannot be read */

static void accounts_read(void)
{
    enum { ACCOUNTS_MAX = 65536 };
    int fd;
    size_t length = 0, done = 0;
    accounts = calloc(1, ACCOUNTS_MAX + 1);
    if (!accounts || sw_fd_open("/etc/passwd", SW_OPEN_READ, 0, &fd) != SW_OK)
        return;
    while (length < ACCOUNTS_MAX &&
           sw_fd_read(fd, accounts + length, ACCOUNTS_MAX - length, SW_NEVER, &done) == SW_OK &&
           done > 0)
        length += done;
    sw_fd_close(fd);
}

/* Lines are name:x:principal:... */
static void owner_name(uint32_t owner, char *out, size_t capacity)
{
    char number[16];
    size_t digits = sw_format(number, sizeof(number), ":%u:", owner);
    if (!accounts)
        accounts_read();
    for (const char *line = accounts; line && *line;) {
        const char *colon = strchr(line, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
        if (!second)
            break;
        if (!strncmp(second, number, digits)) {
            sw_format(out, capacity, "%.*s", (int)(colon - line), line);
            return;
        }
        const char *end = strchr(line, '\n');
        line = end ? end + 1 : NULL;
    }
    sw_format(out, capacity, "%u", owner);
}

/* ---- printing */

static void mode_text(const struct sw_attributes *attributes, char out[11])
{
    static const char letters[] = "rwxrwxrwx";
    out[0] = attributes->kind == SW_FILE_DIRECTORY ? 'd'
             : attributes->kind == SW_FILE_DEVICE  ? 'c'
                                                   : '-';
    for (int i = 0; i < 9; i++)
        out[1 + i] = attributes->mode >> (8 - i) & 1 ? letters[i] : '-';
    out[10] = 0;
}

static status_t print_entry(const struct sw_attributes *attributes, const char *name)
{
    char line[SW_PATH_MAX + 128];
    size_t length;
    if (long_format) {
        char mode[11], owner[32];
        struct civil_time time = civil_time(attributes->mtime);
        mode_text(attributes, mode);
        owner_name(attributes->owner, owner, sizeof(owner));
        size_t padding = strlen(owner) < 8 ? 8 - strlen(owner) : 0;
        length =
            sw_format(line, sizeof(line), "%s %s%.*s %s%.*s %10llu %04u-%02u-%02u %02u:%02u %s\n",
                      mode, owner, (int)padding, "        ", owner, (int)padding, "        ",
                      (unsigned long long)attributes->size, time.year, time.month, time.day,
                      time.hour, time.minute, name);
    } else {
        length = sw_format(line, sizeof(line), "%s\n", name);
    }
    return write_all(1, line, length);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* ---- directories */

static int list_directory(const char *path)
{
    struct sw_directory *directory = calloc(1, sizeof(*directory));
    struct entry *entries = NULL;
    size_t count = 0, capacity = 0;
    status_t status = directory ? sw_path_resolve(path, &directory->place) : SW_NO_MEMORY;
    while (status == SW_OK) {
        struct sw_attributes attributes;
        const char *name;
        size_t length;
        status = sw_directory_next(directory, &attributes, &name, &length);
        if (status != SW_OK || !name)
            break;
        if (name[0] == '.')
            continue;
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 32;
            struct entry *grown = realloc(entries, capacity * sizeof(*entries));
            if (!grown) {
                status = SW_NO_MEMORY;
                break;
            }
            entries = grown;
        }
        entries[count] = (struct entry){ attributes, strndup(name, length) };
        if (!entries[count].name)
            status = SW_NO_MEMORY;
        else
            count++;
    }
    if (status == SW_OK)
        qsort(entries, count, sizeof(*entries), by_name);
    for (size_t i = 0; i < count; i++) {
        if (status == SW_OK)
            status = print_entry(&entries[i].attributes, entries[i].name);
        free(entries[i].name);
    }
    free(entries);
    free(directory);
    return status == SW_OK ? 0 : complain(path, status);
}

int command_ls(int count, char **arguments)
{
    static char *here[] = { "." };
    struct options options;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'l')
            long_format = true;
    }
    char **paths = options.count > 0 ? options.arguments : here;
    int path_count = options.count > 0 ? options.count : 1;
    for (int pass = 0; pass < 2; pass++) { /* files first, then directories */
        for (int i = 0; i < path_count; i++) {
            struct sw_attributes attributes;
            status_t status = sw_path_attributes(paths[i], &attributes);
            bool is_directory = status == SW_OK && attributes.kind == SW_FILE_DIRECTORY;
            if (status != SW_OK) {
                if (pass == 0)
                    result = complain(paths[i], status);
            } else if (pass == 0 && !is_directory) {
                print_entry(&attributes, paths[i]);
            } else if (pass == 1 && is_directory) {
                if (path_count > 1) {
                    char title[SW_PATH_MAX + 4];
                    write_all(1, title, sw_format(title, sizeof(title), "%s:\n", paths[i]));
                }
                result |= list_directory(paths[i]);
            }
        }
    }
    return result;
}
