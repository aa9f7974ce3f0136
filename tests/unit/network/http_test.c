/* HTTP requests as text: what is understood, what is refused and with which status; paths and ranges against
 * simple models, every one up to a length; dates against the host's calendar. */
#define _GNU_SOURCE
#include "fields.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct request request;
static size_t consumed;

/* Parses from the heap, so that ASan sees a byte too far. */
static int parse_bytes(const char *bytes, size_t length)
{
    static char *copy;

    free(copy); /* the request points into the last one */
    copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    return request_parse(copy, length, &request, &consumed);
}

static int parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static struct text text_of(const char *word)
{
    return (struct text){ word, strlen(word) };
}

static bool is(struct text text, const char *word)
{
    return text.at && text.length == strlen(word) && !memcmp(text.at, word, text.length);
}

#define HOST "Host: h\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST

static void understood(void)
{
    CHECK(parse("GET /a/b.txt?x=1 HTTP/1.1\r\nHost: h:80\r\nX-Any:\tthing \r\n\r\nrest") == 200);
    CHECK(request.method == REQUEST_GET && request.keep_alive && !request.outside);
    CHECK(!strcmp(request.path, "a/b.txt") && request.path_length == 7 && !request.directory);
    CHECK(is(request.target, "/a/b.txt") && is(request.method_name, "GET"));
    CHECK(consumed == strlen("GET /a/b.txt?x=1 HTTP/1.1\r\nHost: h:80\r\nX-Any:\tthing \r\n\r\n"));
    CHECK(parse("HEAD / HTTP/1.0\r\n\r\n") == 200 && request.method == REQUEST_HEAD);
    CHECK(!request.keep_alive && request.directory && request.path_length == 0);
    CHECK(parse("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n") == 200 && request.keep_alive);
    CHECK(parse(GET("/") "Connection: upgrade , CLOSE\r\n\r\n") == 200 && !request.keep_alive);
    CHECK(parse("\r\n\r\nGET / HTTP/1.1\nhost: h\n\n") == 200);
    CHECK(parse("GET http://h:8080/a%20b HTTP/1.1\r\n" HOST "\r\n") == 200);
    CHECK(!strcmp(request.path, "a b") && is(request.target, "/a%20b"));
    CHECK(parse("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello") == 200);
    CHECK(request.method == REQUEST_OTHER && request.body == 5 && request.keep_alive);
    CHECK(parse("OPTIONS * HTTP/1.1\r\n" HOST "\r\n") == 200 && is(request.target, "*"));
    CHECK(parse(GET("/") "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n") == 200);
    CHECK(request.expects && !request.keep_alive);
    CHECK(parse(GET("/") "Range: bytes=1-2\r\nIF-RANGE:  \"x\" \r\nIf-None-Match: *\r\n"
                         "If-Modified-Since: then\r\n\r\n") == 200);
    CHECK(is(request.range, "bytes=1-2") && is(request.if_range, "\"x\""));
    CHECK(is(request.if_none_match, "*") && is(request.if_modified_since, "then"));
}

static void refused(void)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        { "GET /\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/1.1 \r\n" HOST "\r\n", 400 },
        { " GET / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "G(T / HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET a HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET ?a HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET http://h HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /% HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /%4 HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /a%00b HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET /a%0ab HTTP/1.1\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
        { "GET / http/1.1\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/1.10\r\n" HOST "\r\n", 400 },
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { GET("/") HOST "\r\n", 400 },
        { GET("/") "A : b\r\n\r\n", 400 },
        { GET("/") ": b\r\n\r\n", 400 },
        { GET("/") "no colon\r\n\r\n", 400 },
        { GET("/") "A: b\r\n folded\r\n\r\n", 400 },
        { GET("/") "A: b\rc\r\n\r\n", 400 },
        { GET("/") "A: \x01\r\n\r\n", 400 },
        { GET("/") "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
        { GET("/") "Content-Length: +1\r\n\r\n", 400 },
        { GET("/") "Content-Length: 1, 1\r\n\r\n", 400 },
        { GET("/") "Content-Length:\r\n\r\n", 400 },
        { GET("/") "Content-Length: 99999999999999999999\r\n\r\n", 400 },
        { GET("/") "Content-Length: 65537\r\n\r\n", 413 },
        { GET("/") "Transfer-Encoding: chunked\r\n\r\n", 411 },
        { GET("/") "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400 },
        { GET("/") "Expect: more\r\n\r\n", 417 },
        { GET("/") "Range: bytes=0-\r\nRange: bytes=1-\r\n\r\n", 400 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = parse(cases[i].text);
        tap_ok(status == cases[i].status, "%s: %d, expected %d", "refused", status,
               cases[i].status);
        if (status != cases[i].status)
            printf("# %s\n", cases[i].text);
    }
    static const char in_path[] = "GET /a\0b HTTP/1.1\r\n" HOST "\r\n",
                      in_field[] = GET("/") "A: \0\r\n\r\n";
    CHECK(parse_bytes(in_path, sizeof(in_path) - 1) == 400);
    CHECK(parse_bytes(in_field, sizeof(in_field) - 1) == 400);
}

/* A head of `total` bytes whose request line has a target of `target` bytes. */
static int sized(size_t target, size_t total, size_t fields)
{
    static char text[3 * REQUEST_HEAD_MAX];
    size_t length = 0;

    memcpy(text, "GET /", 5);
    memset(text + 5, 'a', target - 1);
    length = 4 + target;
    length += (size_t)sprintf(text + length, " HTTP/1.1\r\n" HOST);
    while (fields-- > 1)
        length += (size_t)sprintf(text + length, "A: b\r\n");
    if (total > length + 4) {
        size_t left = total - length - 4;
        memcpy(text + length, "A:", 2);
        memset(text + length + 2, 'b', left - 2);
        length += left;
        memcpy(text + length, "\r\n\r\n", 4);
        length += 4;
    } else {
        length += (size_t)sprintf(text + length, "\r\n");
    }
    int status = parse_bytes(text, length);
    /* What is behind the largest head makes no difference. */
    CHECK(parse_bytes(text, length < REQUEST_HEAD_MAX ? length : REQUEST_HEAD_MAX) == status);
    return status;
}

static void limits(void)
{
    CHECK(sized(REQUEST_TARGET_MAX, 0, 1) == 200);
    CHECK(sized(REQUEST_TARGET_MAX + 1, 0, 1) == 414);
    CHECK(sized(REQUEST_HEAD_MAX, 0, 1) == 414);
    CHECK(sized(1, REQUEST_HEAD_MAX, 1) == 200);
    CHECK(sized(1, REQUEST_HEAD_MAX + 1, 1) == 431);
    CHECK(sized(REQUEST_TARGET_MAX + 1, REQUEST_HEAD_MAX + 1, 1) == 414);
    CHECK(sized(1, 0, REQUEST_FIELDS_MAX) == 200);
    CHECK(sized(1, 0, REQUEST_FIELDS_MAX + 1) == 431);
    char empty[REQUEST_HEAD_MAX];
    memset(empty, '\n', sizeof(empty));
    CHECK(parse_bytes(empty, sizeof(empty)) == 400);
}

/* Every beginning of a good request asks for more; and every change of one byte is answered in some way. */
static void pieces(void)
{
    static const char text[] = "\r\nGET /a/../b%2e?q HTTP/1.1\r\nHost: h\r\nContent-Length: "
                               "12\r\nRange: bytes=1-2\r\n\r\n";
    const size_t length = sizeof(text) - 1;
    char changed[sizeof(text)];
    int more = 0, answered = 0;

    for (size_t i = 0; i < length; i++)
        more += parse_bytes(text, i) == 0;
    CHECK(more == (int)length);
    CHECK(parse_bytes(text, length) == 200 && !strcmp(request.path, "b."));
    for (size_t i = 0; i < length; i++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(changed, text, length);
            changed[i] = (char)byte;
            int status = parse_bytes(changed, length);
            answered += status == 0 || (status >= 200 && status <= 505);
        }
    CHECK(answered == (int)length * 256);
}

/* ------------------------------------------------------------------ paths */

/* What request_path must say of a decoded path: components on a stack. */
static void model(const char *path, char *out, bool *outside, bool *directory)
{
    const char *parts[32];
    size_t lengths[32], depth = 0, length = strlen(path);

    *outside = false;
    *directory = true;
    for (size_t at = 0; at < length;) {
        size_t end = at + 1;
        while (end < length && path[end] != '/')
            end++;
        size_t part = end - at - 1;
        const char *name = path + at + 1;
        bool dots = (part == 1 && name[0] == '.') || (part == 2 && !strncmp(name, "..", 2));

        if (part == 2 && dots) {
            if (depth == 0)
                *outside = true;
            else
                depth--;
        } else if (part > 0 && !dots) {
            parts[depth] = name;
            lengths[depth++] = part;
        }
        *directory = end < length || part == 0 || dots;
        at = end;
    }
    *out = 0;
    for (size_t i = 0; i < depth; i++) {
        if (i > 0)
            strcat(out, "/");
        strncat(out, parts[i], lengths[i]);
    }
}

/* Every path of up to eight symbols behind the first slash, of an alphabet that has all that matters. */
static void paths(void)
{
    static const char *symbols[] = { "/", ".", "a", "%2e", "%2F" };
    static const char plain[] = { '/', '.', 'a', '.', '/' };
    int wrong = 0, count = 0;

    for (int length = 0; length <= 8; length++) {
        int total = 1;
        for (int i = 0; i < length; i++)
            total *= 5;
        for (int number = 0; number < total; number++) {
            char target[40] = "/", decoded[40] = "/", expected[40];
            bool outside, directory;
            int rest = number;

            for (int i = 0; i < length; i++, rest /= 5) {
                strcat(target, symbols[rest % 5]);
                decoded[i + 1] = plain[rest % 5];
                decoded[i + 2] = 0;
            }
            model(decoded, expected, &outside, &directory);
            int status = request_path(text_of(target), &request);
            count++;
            if (status != 200 || strcmp(request.path, expected) != 0 ||
                request.path_length != strlen(expected) || request.outside != outside ||
                request.directory != directory) {
                if (wrong++ < 5)
                    printf("# %s: %d %s, expected %s\n", target, status, request.path, expected);
            }
        }
    }
    tap_ok(wrong == 0, "%d paths as the model has them, %d not", count, wrong);
}

/* ------------------------------------------------------------------ fields */

static void dates(void)
{
    char text[HTTP_DATE_SIZE], expected[64], other[64];
    int wrong = 0;

    for (int64_t at = 0; at < 253402300800; at += 86400 * 7 + 12345) {
        time_t seconds = (time_t)at;
        struct tm broken;
        gmtime_r(&seconds, &broken);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S GMT", &broken);
        http_date(at, text);
        strftime(other, sizeof(other), "%a %b %e %H:%M:%S %Y", &broken);
        wrong += strcmp(text, expected) != 0 || http_date_read(text_of(text)) != at ||
                 http_date_read(text_of(other)) != at;
    }
    CHECK(wrong == 0);
    CHECK(http_date_read(text_of("Sunday, 06-Nov-94 08:49:37 GMT")) == 784111777);
    CHECK(http_date_read(text_of("Sunday, 06-Nov-24 08:49:37 GMT")) == 1730882977);
    static const char *bad[] = { "",
                                 "0",
                                 "Sun",
                                 "Sun, 06 Nov 1994 08:49:37",
                                 "Sun, 06 Nov 1994 08:49:37 GMT ",
                                 "Sun, 06 Nov 1994 24:49:37 GMT",
                                 "Sun, 00 Nov 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 1969 08:49:37 GMT",
                                 "Sun, 06 Nov -994 08:49:37 GMT",
                                 "Sun, 06 nov 1994 08:49:37 GMT",
                                 "Sun Nov  6 08:49:37 19944" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        tap_ok(http_date_read(text_of(bad[i])) == -1, "no date: %s", bad[i]);
}

static void etags(void)
{
    CHECK(etag_is_listed(text_of("*"), "\"a\"") && etag_is_listed(text_of("\"a\""), "\"a\""));
    CHECK(etag_is_listed(text_of("\"b\", W/\"a\""), "\"a\""));
    CHECK(!etag_is_listed(text_of("\"b\",\"aa\",\"\""), "\"a\""));
    CHECK(!etag_is_listed(text_of("a"), "\"a\"") && !etag_is_listed(text_of(""), "\"a\""));
    CHECK(!etag_is_listed(text_of("\"a"), "\"a\"") && !etag_is_listed(text_of("W/"), "\"a\""));
    CHECK(!etag_is_listed(text_of("x, \"a\""), "\"a\""));
    CHECK(!etag_is_listed(text_of("x\", \"a\""), "\"a\""));
}

/* Ranges of small files against what they select, byte by byte. */
static void ranges(void)
{
    int wrong = 0;

    for (uint64_t size = 0; size < 6; size++)
        for (int first = -1; first < 8; first++)
            for (int last = -1; last < 8; last++) {
                char text[32];
                uint64_t low = 99, high = 99;
                bool chosen[8] = { 0 }, any = false, same = true;
                enum range expected = RANGE_PART;

                strcpy(text, "bytes=");
                if (first >= 0)
                    sprintf(text + strlen(text), "%d", first);
                strcat(text, "-");
                if (last >= 0)
                    sprintf(text + strlen(text), "%d", last);
                for (uint64_t i = 0; i < size; i++) {
                    chosen[i] = first >= 0
                                    ? i >= (uint64_t)first && (last < 0 || i <= (uint64_t)last)
                                    : last >= 0 && i + (uint64_t)last >= size;
                    any |= chosen[i];
                }
                if ((first < 0 && last < 0) || (first >= 0 && last >= 0 && last < first))
                    expected = RANGE_ALL;
                else if (!any)
                    expected = RANGE_NOT_THERE;
                enum range range = range_read(text_of(text), size, &low, &high);
                for (uint64_t i = 0; range == RANGE_PART && i < size; i++)
                    same &= chosen[i] == (i >= low && i <= high) && high < size;
                if (range != expected || !same) {
                    wrong++;
                    printf("# %s of %d: %d\n", text, (int)size, range);
                }
            }
    CHECK(wrong == 0);
    static const char *ignored[] = { "bytes",       "bytes=",        "bytes=a-b",
                                     "bytes=0-1,3", "lines=0-1",     "bytes=0",
                                     "bytes= 0-1",  "bytes=0-1 ",    "bytes=0-99999999999999999999",
                                     "bytes=--1",   "bytes=0x1-0x2", "bytes=1-2-3" };
    uint64_t low, high;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        tap_ok(range_read(text_of(ignored[i]), 10, &low, &high) == RANGE_ALL, "ignored: %s",
               ignored[i]);
    CHECK(range_read((struct text){ NULL, 0 }, 10, &low, &high) == RANGE_ALL);
    CHECK(range_read(text_of("bytes=-999999999999999999"), 10, &low, &high) == RANGE_PART &&
          low == 0 && high == 9);
}

static void words(void)
{
    char out[64];

    CHECK(!strcmp(media_type("a.HTML", 6), "text/html; charset=utf-8"));
    CHECK(!strcmp(media_type("sub/x.tar.gz", 12), "application/gzip"));
    CHECK(!strcmp(media_type("html", 4), "application/octet-stream"));
    CHECK(!strcmp(media_type("", 0), "application/octet-stream"));
    size_t length = html_escape("<a&\"'>\x01", 7, out, sizeof(out));
    CHECK(length == strlen("&lt;a&amp;&quot;&#39;&gt;?") &&
          !memcmp(out, "&lt;a&amp;&quot;&#39;&gt;?", length));
    length = url_escape("a b/%\"\xff~", 8, out, sizeof(out));
    CHECK(length == 16 && !memcmp(out, "a%20b/%25%22%FF~", 16));
    CHECK(html_escape("<<", 2, out, 4) == 8);
}

int main(void)
{
    understood();
    refused();
    limits();
    pieces();
    paths();
    dates();
    etags();
    ranges();
    words();
    return tap_done();
}
