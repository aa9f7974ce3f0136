/* HTTP/1.1 as a client reads it: addresses, the head of an answer, its body. Pure: bytes in, facts
 * out; nothing a server sends is believed before it is checked, and what it may send is bounded. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MOST 16384u /* bytes of a head */
#define HTTP_URL_MOST 2048u
#define HTTP_HOST_MOST 254u
#define HTTP_VALIDATOR_MOST 256u
#define HTTP_UNKNOWN UINT64_MAX

/* ------------------------------------------------------------------ addresses */

struct http_url {
    char host[HTTP_HOST_MOST]; /* without brackets */
    bool bracketed;            /* an IPv6 address */
    uint16_t port;
    char target[HTTP_URL_MOST]; /* path and query, at least "/" */
};

/* Takes http://HOST[:PORT][/PATH][?QUERY][#...] apart; the fragment is left out. NULL, or what is wrong. */
const char *http_url_parse(const char *text, struct http_url *out);

/* What a Location says, from an answer to `base`: whole, or relative to it. The same. */
const char *http_url_follow(const struct http_url *base, const char *location,
                            struct http_url *out);

/* The last part of the path, decoded no further; false when there is none that can name a file. */
bool http_url_name(const struct http_url *url, char *out, size_t capacity);

/* ------------------------------------------------------------------ the head */

struct http_head {
    uint16_t status;
    bool chunked;
    uint64_t length; /* of the body; HTTP_UNKNOWN: until the connection ends, or chunked */
    /* Content-Range; HTTP_UNKNOWN where it does not say */
    uint64_t first, last, total;
    char location[HTTP_URL_MOST];
    char
        validator[HTTP_VALIDATOR_MOST]; /* a strong ETag or Last-Modified, for If-Range; "": none */
};

enum http_result { HTTP_MORE, HTTP_DONE, HTTP_BAD };

/* Reads a head that may not be whole yet. DONE: *out_used bytes of it. BAD: *out_why. */
enum http_result http_head_read(const char *bytes, size_t length, size_t *out_used,
                                struct http_head *out, const char **out_why);

/* Whether an answer with this status has no body whatever its head says. */
bool http_is_bodiless(uint16_t status);

enum http_part {
    HTTP_PART_LAST,  /* and with it the file is whole */
    HTTP_PART_ENDS,  /* more of the file may follow: what does is to be asked for */
    HTTP_PART_SHORT, /* it has fewer bytes than its Content-Range says */
    HTTP_PART_LONG,  /* or more */
};

/* What the body of a 206 with this Content-Range was, once it has ended by its own account with `size`
 * bytes of the file there, those before it included. A part whose total is not known is never the last: the
 * server's 416 to the question for more says where the file ends. */
enum http_part http_part_end(const struct http_head *head, uint64_t size);

/* ------------------------------------------------------------------ the body */

struct http_body {
    enum {
        BODY_LENGTH,
        BODY_END,
        BODY_SIZE,
        BODY_EXTENSION,
        BODY_DATA,
        BODY_DATA_CR,
        BODY_DATA_LF,
        BODY_TRAILER,
        BODY_DONE
    } state;
    uint64_t left;   /* of the body, or of the chunk */
    uint32_t digits; /* of a chunk's size; then bytes of its line or of the trailer */
    bool line;       /* the trailer's line has something in it */
};

void http_body_begin(struct http_body *body, const struct http_head *head);

/* Takes from `length` bytes at `bytes`: *out_used of them are done with, of which *out_size at *out_data
 * are of the body. Call it again with the rest. DONE: the body is whole. */
enum http_result http_body_take(struct http_body *body, const char *bytes, size_t length,
                                size_t *out_used, const char **out_data, size_t *out_size,
                                const char **out_why);

/* The connection ended: whether the body is whole. */
bool http_body_may_end(const struct http_body *body);
