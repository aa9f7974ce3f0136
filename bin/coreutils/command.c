/* Messages, copying, and paths: shared by all commands. No stdio: a small command should touch
 * few pages, and each line of output goes out in one write. */
#include "command.h"
#include <coreutils/capability_names.inc>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/path.h>
#include <swos/status.h>
#include <unistd.h>

/* A writer whose reader has gone ends without a word, as by SIGPIPE. */
#define STATUS_PIPE 141

static const char *missing_capability(void)
{
    uint32_t detail = sw_last_detail();
    for (size_t i = 0; detail && i < sizeof(capability_names) / sizeof(capability_names[0]); i++)
        if (capability_names[i].bit == 1ull << (detail - 1))
            return capability_names[i].name;
    return NULL;
}

int complain_text(const char *thing, const char *text)
{
    char line[SW_PATH_MAX + 128];
    enum { SHOWN = 64 };
    bool cut = thing && strlen(thing) >= SW_PATH_MAX; /* no path: it must not displace the text */
    size_t length =
        sw_format(line, sizeof(line), "%s: %.*s%s%s%s\n", command_name, cut ? SHOWN : SW_PATH_MAX,
                  thing ? thing : "", cut ? "..." : "", thing ? ": " : "", text);
    write_all(2, line, length);
    return 1;
}

int complain(const char *thing, status_t status)
{
    char text[128];
    if (status == SW_PEER_CLOSED)
        _exit(STATUS_PIPE);
    const char *capability = status == SW_ACCESS ? missing_capability() : NULL;
    if (capability)
        sw_format(text, sizeof(text), "permission denied (needs capability %s)", capability);
    else if (status == SW_IO || status == SW_CORRUPT)
        sw_format(text, sizeof(text), "I/O error");
    else
        sw_format(text, sizeof(text), "%s", sw_status_text(status));
    return complain_text(thing, text);
}

bool confirm(const char *what, const char *path)
{
    char line[SW_PATH_MAX + 128], c = 0;
    out_flush();
    size_t length = sw_format(line, sizeof(line), "%s: %s '%s'? ", command_name, what, path);
    write_all(2, line, length);
    bool is_first = true, yes = false;
    /* byte by byte: what is behind the line is not ours */
    for (size_t done = 1; c != '\n'; is_first = false) {
        if (sw_fd_read(0, &c, 1, SW_NEVER, &done) != SW_OK || done == 0)
            break;
        yes |= is_first && (c == 'y' || c == 'Y');
    }
    return yes;
}

status_t write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        size_t done = 0;
        status_t status = sw_fd_write(fd, at, length, SW_NEVER, &done);
        if (status != SW_OK)
            return status;
        at += done;
        length -= done;
    }
    return SW_OK;
}

status_t copy_all(int from, int to, bool *out_reading)
{
    static char buffer[PIECE];
    for (;;) {
        size_t done = 0;
        *out_reading = true;
        status_t status = sw_fd_read(from, buffer, sizeof(buffer), SW_NEVER, &done);
        if (status != SW_OK || done == 0)
            return status;
        *out_reading = false;
        status = write_all(to, buffer, done);
        if (status != SW_OK)
            return status;
    }
}

int open_operand(const char *path)
{
    int fd = 0;
    if (!strcmp(path, "-"))
        return fd;
    status_t status = sw_fd_open(path, SW_OPEN_READ, 0, &fd);
    if (status == SW_OK)
        return fd;
    complain(path, status);
    return -1;
}

/* Only one server has files it answers reads and writes of itself (SW_FD_FILE), so that the file's id is
 * enough to know it by. */
bool is_own_output(int fd)
{
    struct sw_fd_facts in, out;
    struct sw_attributes read, written;
    uint64_t offset;
    return sw_fd_facts(fd, &in) == SW_OK && in.kind == SW_FD_FILE &&
           sw_fd_facts(1, &out) == SW_OK && out.kind == SW_FD_FILE &&
           sw_fd_attributes(fd, &read) == SW_OK && sw_fd_attributes(1, &written) == SW_OK &&
           read.id == written.id && sw_fd_seek(fd, 0, SW_FD_FROM_OFFSET, &offset) == SW_OK &&
           offset < read.size;
}

void close_operand(int fd)
{
    if (fd > 0)
        sw_fd_close(fd);
}

status_t join(char *out, const char *directory, const char *name)
{
    size_t length = strlen(directory);
    const char *slash = length > 0 && directory[length - 1] == '/' ? "" : "/";
    if (length + 1 + strlen(name) >= SW_PATH_MAX)
        return SW_NAME_TOO_LONG;
    sw_format(out, SW_PATH_MAX, "%s%s%s", directory, slash, name);
    return SW_OK;
}

const char *base_name(const char *path, size_t *out_length)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    *out_length = end - start;
    return path + start;
}

/* The path of `source` below a directory. */
static status_t path_within(char *out, const char *source, const char *directory)
{
    char name[SW_PATH_MAX];
    size_t length;
    const char *base = base_name(source, &length);
    if (length >= sizeof(name))
        return SW_NAME_TOO_LONG;
    memcpy(name, base, length);
    name[length] = 0;
    return join(out, directory, name);
}

struct named {
    const char *base;
    size_t length;
    int at;
};

static int by_base(const void *a, const void *b)
{
    const struct named *one = a, *other = b;
    size_t length = one->length < other->length ? one->length : other->length;
    int result = memcmp(one->base, other->base, length);
    if (!result && one->length != other->length)
        result = one->length < other->length ? -1 : 1;
    return result ? result : one->at - other->at;
}

/* Which of the sources have the name of one before them; to be freed. */
static bool *find_repeated(char **sources, int count)
{
    struct named *names = calloc((size_t)count, sizeof(*names));
    bool *repeated = calloc((size_t)count, sizeof(*repeated));
    if (!names || !repeated)
        out_of_memory(NULL);
    for (int i = 0; i < count; i++) {
        names[i].base = base_name(sources[i], &names[i].length);
        names[i].at = i;
    }
    qsort(names, (size_t)count, sizeof(*names), by_base);
    for (int i = 1; i < count; i++)
        repeated[names[i].at] = names[i].length == names[i - 1].length &&
                                !memcmp(names[i].base, names[i - 1].base, names[i].length);
    free(names);
    return repeated;
}

int put_each(const struct options *options, bool replaces,
             int (*put)(const char *source, const char *path))
{
    int result = 0, last = options->count - 1;
    if (last < 1)
        return usage(last < 0 ? "operands expected" : "no target");
    const char *target = options->arguments[last];
    bool into = is_directory(target);
    if (!into && (last > 1 || (target[0] && target[strlen(target) - 1] == '/' &&
                               !is_directory(options->arguments[0]))))
        return complain(target, SW_NOT_DIRECTORY);
    bool *repeated = find_repeated(options->arguments, last);
    for (int i = 0; i < last; i++) {
        const char *source = options->arguments[i];
        char path[SW_PATH_MAX];
        status_t status = into ? path_within(path, source, target) : SW_OK;
        if (status != SW_OK)
            result |= complain(source, status);
        else if (replaces && repeated[i] &&
                 !is_directory(source)) /* as GNU: the first would be lost */
            result |= complain_text(source, "does not replace what was put there just now");
        else
            result |= put(source, into ? path : target);
    }
    free(repeated);
    return result;
}

bool parse_number(const char *text, unsigned base, uint64_t *out_number)
{
    uint64_t number = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*text < '0' || digit >= base || number > (UINT64_MAX - digit) / base)
            return false;
        number = number * base + digit;
    }
    *out_number = number;
    return true;
}
