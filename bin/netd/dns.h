/* DNS messages (RFC 1035): the question, and what an answer to it says; messages over TCP (RFC 7766). Pure. Names
 * are text without a dot at the end, compared without regard to case. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MOST 254u     /* with the NUL */
#define DNS_QUESTION_MOST 272u /* bytes of a question */
#define DNS_A 1u
#define DNS_AAAA 28u

/* Times answers are kept for: seconds. */
#define DNS_KEPT_MOST 86400u     /* addresses */
#define DNS_NONE_KEPT_MOST 3600u /* that there is none */

enum dns_verdict {
    DNS_FOREIGN,   /* no answer to this question: go on waiting */
    DNS_FOUND,     /* an address */
    DNS_NONE,      /* there is none: no such name, or it has no address of this kind */
    DNS_TRUNCATED, /* there is more than fits a datagram, and nothing we want in what came */
    DNS_FAILED,    /* the server cannot or will not say, or sends nonsense: ask another */
};

struct dns_answer {
    uint8_t address[16]; /* DNS_FOUND; of A the first 4 */
    uint32_t seconds;    /* it may be kept for */
};

/* Whether a text can be a name: labels of 1 to 63 bytes that are not control characters, 253 in all. */
bool dns_is_name(const char *name);

/* The question; its length, at most DNS_QUESTION_MOST. name: dns_is_name. */
size_t dns_ask(uint8_t out[DNS_QUESTION_MOST], uint16_t id, const char *name, uint16_t type);

/* What came. Aliases are followed within the answer. */
enum dns_verdict dns_judge(const uint8_t *bytes, size_t length, uint16_t id, const char *name,
                           uint16_t type, struct dns_answer *out);

/* A message over TCP, as its bytes come. All zeros: none has. It takes memory as they come, not as its length says
 * they will. */
struct dns_stream {
    uint8_t *message; /* got bytes of it, the stream's */
    uint32_t length, got, head;
};
enum dns_stream_result {
    DNS_STREAM_MORE,
    DNS_STREAM_WHOLE, /* message, of length bytes; what comes behind it is not looked at */
    DNS_STREAM_BAD,   /* too short to be a message, or no memory */
};
enum dns_stream_result dns_stream_take(struct dns_stream *stream, const uint8_t *bytes,
                                       size_t length);
void dns_stream_free(struct dns_stream *stream);
/* The bytes before a message. */
void dns_stream_head(uint8_t out[2], size_t length);
