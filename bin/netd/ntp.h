/* SNTP (RFC 4330, RFC 5905): the question, what an answer is worth, and what is done about the clock.
 * Pure: knows no stack and no clock. Times are nanoseconds since 1970, offsets are the server's time
 * less ours. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NTP_PACKET 48u
#define NTP_PORT 123u

/* Times outside of these are nobody's: before swos was begun, and farther than the 32 bits of seconds
 * could tell apart from an earlier era. */
#define NTP_EARLIEST 1704067200u /* 2024-01-01 */
#define NTP_LATEST 4102444800u   /* 2100-01-01 */

enum ntp_verdict {
    NTP_GOOD,
    NTP_FOREIGN, /* no answer to this question: go on waiting */
    NTP_USELESS, /* the server's clock is not set, or makes no sense: ask another */
    NTP_RATE,    /* the server wants to be asked less often */
    NTP_DENIED,  /* the server never wants to be asked again */
};

struct ntp_sample {
    int64_t offset;
    uint64_t delay; /* on the way there and back */
    uint32_t stratum;
};

/* A question that says nothing but its nonce, where our time would stand: the answer must bring it
 * back, and nobody who has not seen the question knows it. */
void ntp_ask(uint8_t out[NTP_PACKET], uint64_t nonce);

/* Judges what came `elapsed` ns (monotonic) after the question, which was sent when our clock showed
 * `sent`. *out_why: in words, for the log; NULL for NTP_GOOD and NTP_FOREIGN. */
enum ntp_verdict ntp_judge(const uint8_t *packet, size_t length, uint64_t nonce, uint64_t sent,
                           uint64_t elapsed, struct ntp_sample *out, const char **out_why);

enum ntp_action { NTP_LEAVE, NTP_STEP, NTP_SLEW, NTP_REFUSE };

#define NTP_GOOD_ENOUGH 5000000     /* 5 ms: left as it is */
#define NTP_SLEW_MOST 1000000000    /* 1 s: a clock that is ahead by less is not set back at once */
#define NTP_SLEW_PIECE 5000000      /* but by this much a second */
#define NTP_JUMP_MOST 1000000000000 /* 1000 s: believed at the first time only */

/* What to do about an offset. first: the clock has not been set by a server since netd started. */
enum ntp_action ntp_decide(int64_t offset, bool first);
