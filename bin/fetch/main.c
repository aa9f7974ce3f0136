/* fetch URL: gets a file by HTTP/1.1. What it gets is under its own name only once it is whole.
 *
 * A transfer that breaks off goes on by itself where the server can (Range, with If-Range so that it is
 * still the same file), as long as each try brings something; a later fetch -c goes on, too. */
#include "fetch.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <swos/path.h>
#include <unistd.h>

#define REDIRECTS_MOST 10
#define INTERIM_MOST 8 /* answers 1xx before the real one */
#define FUTILE_MOST 3  /* tries in a row that brought nothing */

enum { OPTION_LONG, OPTION_NUMBER };

#include <fetch/pages.inc>

static struct {
    bool quiet, resume;
    const char *output, *sum, *address;
} options;

static char buffer[64 << 10];
static size_t buffered, consumed; /* bytes in it, and those done with */

void complain(const char *what, const char *text, ...)
{
    va_list arguments;

    fflush(stdout);
    fprintf(stderr, what ? "fetch: %s: " : "fetch: ", what);
    va_start(arguments, text);
    vfprintf(stderr, text, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ------------------------------------------------------------------ the answer */

/* The head of the answer, in *out. 1: there; 0: the connection broke off; -1: complained. */
static int read_head(const char *shown, struct http_head *out)
{
    const char *why;
    size_t used, got;

    buffered = consumed = 0;
    for (int interim = 0; interim <= INTERIM_MOST;) {
        enum http_result result =
            http_head_read(buffer + consumed, buffered - consumed, &used, out, &why);
        if (result == HTTP_BAD) {
            complain(shown, "the server sent %s", why);
            return -1;
        }
        if (result == HTTP_DONE) {
            consumed += used;
            if (out->status >= 200)
                return 1;
            interim++;
            continue;
        }
        memmove(buffer, buffer + consumed, buffered - consumed);
        buffered -= consumed;
        consumed = 0;
        if (!connection_read(buffer + buffered, sizeof(buffer) - buffered, &got, &why)) {
            complain(shown, "%s", why);
            return 0;
        }
        if (got == 0) {
            complain(shown, "the server ended the connection without an answer");
            return 0;
        }
        buffered += got;
    }
    complain(shown, "the server sent nothing but interim answers");
    return -1;
}

/* The body, into the target. 1: whole; 0: it broke off, *out_why; -1: complained. */
static int read_body(const char *shown, const struct http_head *head, struct target *target,
                     const char **out_why)
{
    struct http_body body;
    const char *data;
    size_t used, size, got;

    http_body_begin(&body, head);
    for (;;) {
        enum http_result result = http_body_take(&body, buffer + consumed, buffered - consumed,
                                                 &used, &data, &size, out_why);
        consumed += used;
        if (size > 0 && !target_write(target, data, size))
            return -1;
        if (result == HTTP_BAD) {
            complain(shown, "the server sent %s", *out_why);
            return -1;
        }
        if (result == HTTP_DONE)
            return 1;
        progress_show(target->size);
        if (consumed < buffered)
            continue;
        consumed = buffered = 0;
        if (!connection_read(buffer, sizeof(buffer), &got, out_why))
            return 0;
        if (got == 0) {
            *out_why = "the connection ended before all was there";
            return http_body_may_end(&body) ? 1 : 0;
        }
        buffered = got;
    }
}

/* ------------------------------------------------------------------ one try */

enum outcome { WHOLE, PART, BROKEN, REDIRECTED, AGAIN, FAILED };

static bool ask(const struct http_url *url, const char *shown, const struct target *target)
{
    static char request[2 * HTTP_URL_MOST + 1024];
    char port[8] = "", range[HTTP_VALIDATOR_MOST + 96] = "";

    if (url->port != 80)
        snprintf(port, sizeof(port), ":%u", (unsigned)url->port);
    if (target->size > 0)
        snprintf(range, sizeof(range), "Range: bytes=%llu-\r\nIf-Range: %s\r\n",
                 (unsigned long long)target->size, target->validator);
    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUser-Agent: swos-fetch\r\nAccept: */*\r\n"
             "Accept-Encoding: identity\r\nConnection: close\r\n%s\r\n",
             url->target, url->bracketed ? "[" : "", url->host, url->bracketed ? "]" : "", port,
             range);
    return connection_open(url, shown, request);
}

/* The answer goes on where we are. */
static bool goes_on(const struct http_head *head, const struct target *target, const char *shown)
{
    if (head->first == target->size && target->size > 0 &&
        (head->length == HTTP_UNKNOWN || head->length == head->last - head->first + 1) &&
        (!head->validator[0] || !strcmp(head->validator, target->validator)))
        return true;
    complain(shown, "the server sent another part than the one asked for");
    return false;
}

/* A part has come to its end, which need not be that of the file: a server may send less than it was
 * asked for (RFC 9110, 15.3.7). */
static enum outcome end_part(const struct http_head *head, struct target *target, const char *shown,
                             const char **out_why)
{
    switch (http_part_end(head, target->size)) {
    case HTTP_PART_LAST:
        return WHOLE;
    case HTTP_PART_ENDS:
        return PART;
    case HTTP_PART_SHORT:
        *out_why = "the connection ended before all was there";
        return BROKEN;
    case HTTP_PART_LONG:
        break;
    }
    complain(shown, "the server sent more than the part it told of");
    if (target->name)
        target_restart(target); /* which of its bytes are the file's cannot be told */
    return FAILED;
}

static enum outcome attempt(const struct http_url *url, const char *shown, struct target *target,
                            struct http_head *head, const char **out_why)
{
    *out_why = NULL;
    if (!ask(url, shown, target))
        return FAILED;
    int got = read_head(shown, head);
    if (got <= 0)
        return got < 0 || target->size == 0 ? FAILED : BROKEN;
    switch (head->status) {
    case 200:
        if (target->size > 0 && !target_restart(target)) /* it has changed, or has no parts */
            return FAILED;
        break;
    case 206:
        if (!goes_on(head, target, shown))
            return FAILED;
        break;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return REDIRECTED;
    case 416: /* what is there is all of it, or of another version */
        if (target->size > 0 && head->total == target->size)
            return WHOLE;
        if (target->size == 0 || !target_restart(target))
            break;
        return AGAIN;
    }
    if (head->status != 200 && head->status != 206) {
        complain(shown, "the server says %u", (unsigned)head->status);
        return FAILED;
    }
    uint64_t whole = head->status == 206            ? head->total
                     : head->length == HTTP_UNKNOWN ? HTTP_UNKNOWN
                                                    : head->length;
    if (head->status == 200 && !target_begin(target, shown, head->validator))
        return FAILED;
    if (!options.quiet && (target->name || !isatty(1))) /* not among what is printed */
        progress_start(target->name ? target->name : "standard output", target->size, whole);
    got = read_body(shown, head, target, out_why);
    progress_end(target->size);
    if (got <= 0)
        return got == 0 ? BROKEN : FAILED;
    return head->status == 200 ? WHOLE : end_part(head, target, shown, out_why);
}

static bool fetch(struct target *target, struct http_url *url)
{
    static char shown[2 * HTTP_URL_MOST];
    static struct http_head head;
    static struct http_url next;
    const char *wrong, *why;
    int redirects = 0, futile = 0;

    snprintf(shown, sizeof(shown), "%s", options.address);
    for (;;) {
        uint64_t before = target->size;
        enum outcome outcome = attempt(url, options.address, target, &head, &why);
        connection_close();
        switch (outcome) {
        case WHOLE:
            return target_finish(target, options.address, options.sum);
        case FAILED:
            target_leave(target);
            return false;
        case PART: /* it had a byte at least */
            futile = 0;
            break;
        case AGAIN:
            if (++futile > FUTILE_MOST)
                goto give_up;
            break;
        case REDIRECTED:
            if (!head.location[0]) {
                complain(shown, "the server says %u and not where to", (unsigned)head.status);
                goto give_up;
            }
            if (++redirects > REDIRECTS_MOST) {
                complain(options.address, "more than %d redirections", REDIRECTS_MOST);
                goto give_up;
            }
            if ((wrong = http_url_follow(url, head.location, &next))) {
                complain(options.address, "redirected to %s: %s", head.location, wrong);
                goto give_up;
            }
            *url = next;
            break;
        case BROKEN:
            futile = target->size > before ? 0 : futile + 1;
            if (!target->validator[0] || futile >= FUTILE_MOST) {
                if (why)
                    complain(options.address, "%s, %llu bytes are", why,
                             (unsigned long long)target->size);
                goto give_up;
            }
            break;
        }
    }
give_up:
    target_leave(target);
    return false;
}

/* ------------------------------------------------------------------ the command line */

static int usage(const char *message, const char *word)
{
    const char *help = page_text + page_table[0].help, *end = strchr(help, '\n') + 1;

    while (*end == ' ')
        end = strchr(end, '\n') + 1;
    fprintf(stderr, "fetch: %s%s\n%.*s", message, word, (int)(end - help), help);
    return 2;
}

static const struct option_entry *option_of(const char *word)
{
    for (uint32_t i = 0; i < page_table[0].count; i++) {
        const struct option_entry *entry = &option_table[page_table[0].first + i];
        size_t length = strlen(page_text + entry->long_name);
        if (word[1] == '-'
                ? length > 0 && !strncmp(word + 2, page_text + entry->long_name, length) &&
                      (word[2 + length] == 0 || (word[2 + length] == '=' && entry->takes_value))
                : word[1] == (char)entry->letter)
            return entry;
    }
    return NULL;
}

static bool is_sum(const char *text)
{
    return strlen(text) == DIGITS && strspn(text, "0123456789abcdefABCDEF") == DIGITS;
}

/* Options: -1, or the exit status. */
static int read_options(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i], *value = NULL;
        if (!strcmp(word, "--help")) {
            fputs(page_text + page_table[0].help, stdout);
            return 0;
        }
        if (word[0] != '-' || !word[1]) {
            if (options.address)
                return usage("one address is enough: ", word);
            options.address = word;
            continue;
        }
        const struct option_entry *entry = option_of(word);
        if (!entry || (word[1] != '-' && word[2] && !entry->takes_value))
            return usage("unknown option ", word);
        if (entry->takes_value) {
            const char *equals = strchr(word, '=');
            value = word[1] != '-' && word[2]  ? word + 2
                    : word[1] == '-' && equals ? equals + 1
                    : i + 1 < count            ? arguments[++i]
                                               : NULL;
            if (!value)
                return usage(word, ": a value is missing");
        }
        if (entry->letter == 'q')
            options.quiet = true;
        else if (entry->letter == 'c')
            options.resume = true;
        else if (entry->letter == 'o')
            options.output = value;
        else if (is_sum(value))
            options.sum = value;
        else
            return usage("--sha256 takes 64 hexadecimal digits, not ", value);
    }
    return options.address ? -1 : usage("an address is missing", "");
}

int main(int count, char **arguments)
{
    static struct http_url url;
    static struct target target;
    static char name[SW_PATH_MAX];
    int status = read_options(count, arguments);

    if (status >= 0)
        return status;
    const char *wrong = http_url_parse(options.address, &url);
    if (wrong) {
        complain(options.address, "%s", wrong);
        return 2;
    }
    bool to_stdout = options.output && !strcmp(options.output, "-");
    if (!options.output && !http_url_name(&url, name, sizeof(name) - 16)) {
        complain(options.address, "does not end with a name for the file; -o FILE says one");
        return 2;
    }
    if (!target_open(&target,
                     to_stdout        ? NULL
                     : options.output ? options.output
                                      : name,
                     options.address, options.resume))
        return 1;
    return fetch(&target, &url) ? 0 : 1;
}
