/* The head of an HTTP/1.x request: text to struct (RFC 9110, 9112). Pure.
 *
 * Nothing of the text is believed: lengths are limited, every byte outside the grammar is refused,
 * and what two readers could understand differently (two lengths, a length beside a coding, folded
 * lines, a bare CR) is an error rather than a choice. Afterwards the path has no `.`, `..`, empty
 * component or NUL, and never leads above the root. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUEST_HEAD_MAX 8192u /* bytes of request line and fields together */
#define REQUEST_TARGET_MAX 1024u
#define REQUEST_FIELDS_MAX 100u
#define REQUEST_BODY_MAX 65536u /* of a body, which nobody here wants and is read over */

/* Bytes of the request's text. NULL: the field is not there. */
struct text {
    const char *at;
    size_t length;
};

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_OTHER };

struct request {
    enum request_method method;
    bool keep_alive;                 /* the connection may go on after the response */
    bool expects;                    /* waits for 100 before it sends its body */
    bool outside;                    /* the path leads above the root */
    bool directory;                  /* the path ends with a slash, or is the root */
    uint64_t body;                   /* bytes that follow the head */
    struct text method_name, target; /* the target as sent, without its query */
    struct text if_none_match, if_modified_since, if_range, range;
    size_t path_length;
    char path[REQUEST_TARGET_MAX +
              1]; /* decoded, without the first and the last slash; "" the root */
};

/* Reads a head from the first `length` bytes of a connection. 0: it is not all there yet. 200: *out is
 * filled and *out_consumed tells where the body begins. Otherwise the status of the response, after
 * which nothing more of the connection can be understood; of *out only method, method_name and target
 * say something then, as far as they were read. */
int request_parse(const char *bytes, size_t length, struct request *out, size_t *out_consumed);

/* Decodes and normalises an absolute path as a target has it. 200 or 400. */
int request_path(struct text target, struct request *out);
