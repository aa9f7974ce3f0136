/* HTTP as fetch reads it: addresses, heads and bodies; every answer in every partition says the same, and
 * answers with bytes changed at random are read without harm (the sanitizers watch). */
#include "../../../bin/fetch/http.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>

static uint32_t below(uint32_t limit)
{
    static uint64_t state = 11;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

static void test_url(void)
{
    static const struct {
        const char *text, *host, *target;
        uint16_t port;
    } good[] = {
        { "http://a", "a", "/", 80 },
        { "HTTP://A.b:8080/x/y?z=1#f", "A.b", "/x/y?z=1", 8080 },
        { "http://10.0.2.2/", "10.0.2.2", "/", 80 },
        { "http://[2001:db8::1]:81/x", "2001:db8::1", "/x", 81 },
        { "http://a?q", "a", "/?q", 80 },
    };
    static const char *const bad[] = { "",
                                       "a",
                                       "ftp://a/",
                                       "https://a/",
                                       "http://",
                                       "http:///x",
                                       "http://a:0/",
                                       "http://a:65536/",
                                       "http://a:x/",
                                       "http://a:/",
                                       "http://u:p@a/",
                                       "http://[::1/",
                                       "http://[::1]x/",
                                       "http://a b/",
                                       "http://a/\r\nX: y",
                                       "http://a/\x7f",
                                       "http://a/\xc3\xa9",
                                       "http://a;b/" };
    struct http_url url;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *wrong = http_url_parse(good[i].text, &url);
        tap_ok(!wrong && !strcmp(url.host, good[i].host) && !strcmp(url.target, good[i].target) &&
                   url.port == good[i].port,
               "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        tap_ok(http_url_parse(bad[i], &url) != NULL, "refused: %zu", i);
    char *big = malloc(HTTP_URL_MOST + 1);
    memset(big, 'a', HTTP_URL_MOST);
    big[HTTP_URL_MOST] = 0;
    memcpy(big, "http://a/", 9);
    CHECK(http_url_parse(big, &url) != NULL);
    big[HTTP_URL_MOST - 1] = 0;
    CHECK(http_url_parse(big, &url) == NULL);
    free(big);
}

static void test_follow(void)
{
    static const struct {
        const char *location, *host, *target; /* NULL: refused */
    } cases[] = {
        { "http://b/z", "b", "/z" }, { "/z?w", "a", "/z?w" }, { "z", "a", "/x/z" },
        { "?q", "a", "/x/y?q" },     { "//c/z", "c", "/z" },  { "#f", "a", "/x/y?o" },
        { "https://b/z", NULL, "" }, { "file:/z", NULL, "" }, { "a b", NULL, "" },
        { "/a\rb", NULL, "" },       { "//u@c/z", NULL, "" },
    };
    struct http_url base, url;

    http_url_parse("http://a:81/x/y?o", &base);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wrong = http_url_follow(&base, cases[i].location, &url);
        tap_ok(cases[i].host ? !wrong && !strcmp(url.host, cases[i].host) &&
                                   !strcmp(url.target, cases[i].target)
                             : wrong != NULL,
               "followed: %zu", i);
    }
    static const char *const dots[][2] = {
        /* RFC 3986, 5.4 */
        { "g", "/b/c/g" },
        { "./g", "/b/c/g" },
        { "g/", "/b/c/g/" },
        { "g;x=1/./y", "/b/c/g;x=1/y" },
        { "g;x=1/../y", "/b/c/y" },
        { ".", "/b/c/" },
        { "./", "/b/c/" },
        { "..", "/b/" },
        { "../", "/b/" },
        { "../g", "/b/g" },
        { "../..", "/" },
        { "../../g", "/g" },
        { "../../../g", "/g" },
        { "../../../../g", "/g" },
        { "/./g", "/g" },
        { "/../g", "/g" },
        { "g.", "/b/c/g." },
        { ".g", "/b/c/.g" },
        { "g..", "/b/c/g.." },
        { "..g", "/b/c/..g" },
        { "./../g", "/b/g" },
        { "./g/.", "/b/c/g/" },
        { "g/./h", "/b/c/g/h" },
        { "g/../h", "/b/c/h" },
        { "g?y/./x", "/b/c/g?y/./x" },
        { "g?y/../x", "/b/c/g?y/../x" },
        { "g/..?y", "/b/c/?y" },
        { "g//../h", "/b/c/g/h" },
        { "http://a/b/../c/./d?e/..", "/c/d?e/.." },
        { "//a/..", "/" },
    };
    http_url_parse("http://a/b/c/d;p?q", &base);
    for (size_t i = 0; i < sizeof(dots) / sizeof(dots[0]); i++)
        tap_ok(!http_url_follow(&base, dots[i][0], &url) && !strcmp(url.target, dots[i][1]),
               "%s leads to %s", dots[i][0], dots[i][1]);
    char name[16];
    http_url_parse("http://a/x/name.txt?q", &url);
    CHECK(http_url_name(&url, name, sizeof(name)) && !strcmp(name, "name.txt"));
    static const char *const nameless[] = { "http://a/", "http://a/x/", "http://a/..", "http://a/.",
                                            "http://a/0123456789abcdef" };
    for (size_t i = 0; i < sizeof(nameless) / sizeof(nameless[0]); i++) {
        http_url_parse(nameless[i], &url);
        CHECK(!http_url_name(&url, name, sizeof(name)));
    }
}

static struct http_head head;
static const char *why;

/* From the heap, so that ASan sees a byte too far. */
static enum http_result read_head(const char *text, size_t length, size_t *used)
{
    char *copy = malloc(length ? length : 1);

    memcpy(copy, text, length);
    enum http_result result = http_head_read(copy, length, used, &head, &why);
    free(copy);
    return result;
}

static void test_head(void)
{
    static const char good[] =
        "HTTP/1.1 206 Partial Content\r\nServer: x\r\nContent-Length:  5 \r\n"
        "content-range: bytes 3-7/10\r\nETag: \"v1\"\r\n"
        "Last-Modified: Mon, 01 Jan 2026 00:00:00 GMT\r\nLocation: /x\r\n\r\nbody";
    size_t used, whole = sizeof(good) - 1 - 4;

    for (size_t length = 0; length < whole; length++)
        if (read_head(good, length, &used) != HTTP_MORE)
            tap_ok(0, "more is wanted at %zu", length);
    CHECK(read_head(good, sizeof(good) - 1, &used) == HTTP_DONE && used == whole);
    CHECK(head.status == 206 && head.length == 5 && head.first == 3 && head.last == 7 &&
          head.total == 10);
    CHECK(!strcmp(head.validator, "\"v1\"") && !strcmp(head.location, "/x") && !head.chunked);
    CHECK(read_head("HTTP/1.0 200\n\n", 14, &used) == HTTP_DONE && head.length == HTTP_UNKNOWN);
    CHECK(read_head("HTTP/1.1 416 x\nContent-Range: bytes */7\n\n", 41, &used) == HTTP_DONE &&
          head.total == 7 && head.first == HTTP_UNKNOWN);
    static const char weak[] = "HTTP/1.1 200 x\nETag: W/\"1\"\nLast-Modified: now\n\n";
    CHECK(read_head(weak, sizeof(weak) - 1, &used) == HTTP_DONE && !strcmp(head.validator, "now"));
    static const char *const bad[] = {
        "SSH-2.0-x\n",
        "H\n",
        "HTTP/2 200\n",
        "HTTP/1.1 2x0 \n",
        "HTTP/1.1 099 x\n",
        "HTTP/1.1 2000\n",
        "HTTP/1.1 200 x\n folded\n",
        "HTTP/1.1 200 x\nNoColon\n",
        "HTTP/1.1 200 x\n: y\n",
        "HTTP/1.1 200 x\nA : y\n",
        "HTTP/1.1 200 x\nA: \1\n",
        "HTTP/1.1 200 x\nContent-Length: -1\n",
        "HTTP/1.1 200 x\nContent-Length: 1, 1\n",
        "HTTP/1.1 200 x\nContent-Length: 1\nContent-Length: 2\n",
        "HTTP/1.1 200 x\nContent-Length: 9999999999999999999\n",
        "HTTP/1.1 200 x\nContent-Length:\n",
        "HTTP/1.1 200 x\nTransfer-Encoding: gzip, chunked\n",
        "HTTP/1.1 200 x\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
        "HTTP/1.1 200 x\nTransfer-Encoding: chunked\nContent-Length: 1\n\n",
        "HTTP/1.1 200 x\nContent-Encoding: gzip\n",
        "HTTP/1.1 206 x\nContent-Range: bytes 5-4/9\n",
        "HTTP/1.1 206 x\nContent-Range: bytes 5-9/9\n",
        "HTTP/1.1 206 x\nContent-Range: lines 1-2/9\n",
        "HTTP/1.1 206 x\nContent-Range: bytes 1-2\n",
        "HTTP/1.1 302 x\nLocation: a b\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        tap_ok(read_head(bad[i], strlen(bad[i]), &used) == HTTP_BAD && why, "refused head: %zu", i);
    /* what never ends */
    static char endless[HTTP_HEAD_MOST + 64];
    strcpy(endless, "HTTP/1.1 200 x\nA: ");
    memset(endless + 18, 'x', sizeof(endless) - 18);
    CHECK(read_head(endless, HTTP_HEAD_MOST - 1, &used) == HTTP_MORE);
    CHECK(read_head(endless, HTTP_HEAD_MOST, &used) == HTTP_BAD);
    char *at = endless + 15;
    for (int i = 0; i < 101; i++)
        at += sprintf(at, "A: b\n");
    CHECK(read_head(endless, (size_t)(at - endless), &used) == HTTP_BAD && strstr(why, "100"));
}

/* Reads a body in pieces of `piece` bytes (0: at random). What came is in `got`. */
static char got[4096];
static size_t got_size;

static enum http_result read_body(const char *text, size_t length, size_t piece, bool chunked,
                                  uint64_t size)
{
    struct http_head of = { .status = 200, .chunked = chunked, .length = size };
    struct http_body body;
    enum http_result result = HTTP_MORE;

    http_body_begin(&body, &of);
    got_size = 0;
    for (size_t at = 0; at < length && result == HTTP_MORE;) {
        size_t most = piece ? piece : 1 + below(40), used, count;
        const char *data;
        size_t part = most < length - at ? most : length - at;
        char *copy = malloc(part);
        memcpy(copy, text + at, part);
        result = http_body_take(&body, copy, part, &used, &data, &count, &why);
        if (used > part || count > used ||
            (count > 0 && (data < copy || data + count > copy + part)))
            tap_ok(0, "more than there was");
        if (count > 0 && got_size + count <= sizeof(got))
            memcpy(got + got_size, data, count);
        got_size += count;
        free(copy);
        at += used;
    }
    return result;
}

static const char chunks[] =
    "5\r\nhello\r\n1;ext=\"x\"\r\n \r\n0000005 \r\nworld\r\n0\r\nX: y\r\n\r\n";

static void test_body(void)
{
    for (size_t piece = 0; piece < 70; piece++) {
        tap_ok(read_body(chunks, sizeof(chunks) - 1, piece, true, HTTP_UNKNOWN) == HTTP_DONE &&
                   got_size == 11 && !memcmp(got, "hello world", 11),
               "chunks in pieces of %zu", piece);
    }
    for (size_t cut = 0; cut < sizeof(chunks) - 1; cut++)
        if (read_body(chunks, cut, 0, true, HTTP_UNKNOWN) != HTTP_MORE)
            tap_ok(0, "cut at %zu", cut);
    CHECK(read_body("abcdef", 6, 1, false, 4) == HTTP_DONE && got_size == 4);
    CHECK(read_body("abc", 3, 1, false, 4) == HTTP_MORE && got_size == 3);
    CHECK(read_body("abc", 3, 1, false, HTTP_UNKNOWN) == HTTP_MORE && got_size == 3);
    static const char *const bad[] = { "x\r\n",       "\r\n",          "-1\r\n",
                                       "5\r\nhelloX", "5\r\nhello\rX", "ffffffffffffffff\r\n",
                                       "1x\r\n",      " 5\r\n" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        tap_ok(read_body(bad[i], strlen(bad[i]), 1, true, HTTP_UNKNOWN) == HTTP_BAD && why,
               "refused chunk: %zu", i);
    static char endless[16384];
    memset(endless, 'x', sizeof(endless));
    memcpy(endless, "5;", 2);
    CHECK(read_body(endless, sizeof(endless), 0, true, HTTP_UNKNOWN) == HTTP_BAD);
    memcpy(endless, "0\r\n", 3);
    CHECK(read_body(endless, sizeof(endless), 0, true, HTTP_UNKNOWN) == HTTP_BAD &&
          strstr(why, "trailer"));

    struct http_head of = { .status = 204, .length = 7 };
    struct http_body body;
    http_body_begin(&body, &of);
    CHECK(http_body_may_end(&body));
    of.status = 200;
    http_body_begin(&body, &of);
    CHECK(!http_body_may_end(&body));
}

static void test_part(void)
{
    static const struct {
        const char *range;
        uint64_t size; /* that is there when the body has ended */
        enum http_part end;
    } cases[] = {
        { "20-29/56", 29, HTTP_PART_SHORT }, { "20-29/56", 30, HTTP_PART_ENDS },
        { "20-29/56", 31, HTTP_PART_LONG },  { "20-55/56", 55, HTTP_PART_SHORT },
        { "20-55/56", 56, HTTP_PART_LAST },  { "20-55/56", 57, HTTP_PART_LONG },
        { "20-55/*", 55, HTTP_PART_SHORT },  { "20-55/*", 56, HTTP_PART_ENDS },
        { "20-55/*", 57, HTTP_PART_LONG },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[96];
        size_t used, length = (size_t)snprintf(text, sizeof(text),
                                               "HTTP/1.1 206 x\r\nContent-Range: bytes %s\r\n\r\n",
                                               cases[i].range);
        CHECK(read_head(text, length, &used) == HTTP_DONE);
        tap_ok(http_part_end(&head, cases[i].size) == cases[i].end, "%s and %d bytes",
               cases[i].range, (int)cases[i].size);
    }
}

static void test_random(void)
{
    static const char seed[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Range: bytes 0-10/11\r\n"
        "Transfer-Encoding: chunked\r\nLocation: http://[::1]:8/x?y\r\nETag: \"a\"\r\n\r\n";
    struct http_url base = { .target = "/a/b" }, url;
    size_t used;

    for (int round = 0; round < 100000; round++) {
        char text[sizeof(seed) + sizeof(chunks)];
        bool is_head = round % 2;
        size_t length = (is_head ? sizeof(seed) : sizeof(chunks)) - 1;
        memcpy(text, is_head ? seed : chunks, length);
        for (uint32_t changes = below(4); changes-- > 0;) {
            size_t at = below((uint32_t)length);
            if (below(3) == 0) /* a piece out of another place */
                memmove(text + at, text + below((uint32_t)at + 1), length - at);
            else
                text[at] = (char)(below(2) ? below(256) : (uint8_t) "\r\n:;0 f"[below(7)]);
        }
        if (!is_head) {
            read_body(text, length, 0, true, HTTP_UNKNOWN);
        } else if (read_head(text, length, &used) == HTTP_DONE) {
            if (used > length)
                tap_ok(0, "more than there was");
            http_url_follow(&base, head.location, &url);
        }
    }
    tap_ok(1, "read without harm");
}

int main(void)
{
    test_url();
    test_follow();
    test_head();
    test_body();
    test_part();
    test_random();
    return tap_done();
}
