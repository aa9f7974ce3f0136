/* What a successor of netd needs to know of a socket: one record each in vault memory, which no
 * program can reach. With the memory and the event the program gave (vault.h) it is all there is.
 *
 * netd may die before any store. Words are stored in one piece each, and every prefix of the stores
 * must leave what a successor can go on from, so these orders hold:
 *
 *   state     last of all when a record is made, 0 first of all when the socket ends. Made before the
 *             answer that gives the socket to its program, and after the connection was made that goes
 *             with it: a program that never gets it closes it by that.
 *   received  after the bytes lie in the ring, before the ring's down_produced says so, and before an
 *             acknowledgement of them leaves. So the program never reads a byte that comes again, and
 *             the peer never forgets one that is not there.
 *   acked     after the peer acknowledged, before the ring's up_consumed gives the room away. So what
 *             may have to be sent again is still in the ring.
 *   sent      before the segment leaves: the peer acknowledges nothing beyond it.
 *   ENDED     the peer's end: before it is acknowledged, and before the program is told.
 *   END_GIVEN before our end leaves. END_WANTED before the program's call is answered.
 *   CLOSED    before anything else is done about it. RING_GONE when all is acknowledged, before the
 *             ring is let go.
 *   memory    (the kept handle, when rings grow) after the new one holds a copy of the old, before the program
 *             is told, and with nothing received, sent or acknowledged in between.
 *   keep      in any order: the call that changes them is answered afterwards.
 *   flow      before the state says CONNECTION, which is before the program is told of it.
 *
 * So acked <= snd_una <= sent and received = what may be acknowledged, whenever death comes; what the
 * ring's own positions say is either that or behind, and is put right. Beside that a record is believed
 * only if its checks hold, which tells of a netd that wrote where it should not. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/protocol.h>

enum record_kind {
    RECORD_FREE,
    RECORD_CONNECTING, /* its SYN may be sent again: nobody was told of a connection */
    RECORD_CONNECTION,
    RECORD_LISTENER,
    RECORD_UDP,
};

/* Flags, beside the kind in the state. */
#define RECORD_KIND 0xfu
#define RECORD_END_WANTED (1u << 4) /* nothing is put into the ring any more */
#define RECORD_END_GIVEN (1u << 5)  /* our FIN may have been sent */
#define RECORD_END_ACKED (1u << 6)  /* and was acknowledged */
#define RECORD_ENDED (1u << 7)      /* the peer's FIN has come */
#define RECORD_CLOSED (1u << 8)     /* by its program */
#define RECORD_RING_GONE (1u << 9)  /* nothing is to be sent but our FIN */
#define RECORD_FAILED (1u << 10)    /* there is no connection any more; not as agreed */
#define RECORD_KEEPALIVE (1u << 11)
#define RECORD_NODELAY (1u << 12)

/* Options both ends agreed on. */
#define RECORD_SCALES 1u
#define RECORD_TIMESTAMPS 2u
#define RECORD_SACK 4u

struct record_end {
    uint8_t address[16];
    uint8_t family; /* SW_NET_IPV4, SW_NET_IPV6, SW_NET_ANY */
    uint8_t zone;   /* lwIP's, of a link-local address */
    uint16_t port;
};
_Static_assert(sizeof(struct record_end) == 20, "record_end");

/* What never changes. */
struct record_plan {
    uint64_t badge;
    struct record_end local, remote;
    uint32_t pid;
    uint32_t backlog;
    uint32_t rules; /* of a UDP socket: the badge of the connection it was asked for on */
    uint32_t account, session; /* whose share it is of, with pid (share.h) */
    uint32_t check;
};
_Static_assert(sizeof(struct record_plan) == 72, "record_plan");

/* What is known once there is a connection. Position 0 of a ring is a sequence number; SYN before it. */
struct record_flow {
    uint32_t first_sent, first_received;
    uint16_t mss;
    uint8_t send_scale, receive_scale;
    uint32_t options;
    uint32_t reserved;
    uint32_t check;
};
_Static_assert(sizeof(struct record_flow) == 24, "record_flow");

enum record_word {
    RECORD_STATE,
    RECORD_RECEIVED,
    RECORD_ACKED,
    RECORD_SENT,
    RECORD_KEEP_IDLE,
    RECORD_KEEP_INTERVAL,
    RECORD_KEEP_PROBES,
};
#define RECORD_KEEPS 3 /* from RECORD_KEEP_IDLE on */

/* Each word: a value in the low half, its check in the upper one. Position: of the ring, modulo 2^32; our
 * FIN counts as a byte in `sent`. */
struct record {
    uint64_t state; /* 0: free */
    uint64_t received, acked, sent;
    uint64_t linger; /* CLOSED: monotonic ns at which it is given up; unchecked */
    uint64_t keep
        [RECORD_KEEPS]; /* numbers of enum record_word: seconds, or a count; 0: as the settings say */
    struct record_plan plan;
    struct record_flow flow;
    uint64_t reserved2[4];
};
_Static_assert(sizeof(struct record) == 192, "record");

/* A record as read and checked. */
struct record_view {
    enum record_kind kind;
    uint32_t flags;
    uint32_t received, acked, sent;
    uint64_t linger;
    uint32_t keep[RECORD_KEEPS];
    struct record_plan plan;
    struct record_flow flow; /* of CONNECTION */
};

enum record_verdict { RECORD_IS_FREE, RECORD_IS_GOOD, RECORD_IS_BROKEN };

/* Makes a record out of a free one. flow: NULL but for a CONNECTION. */
void record_create(struct record *record, enum record_kind kind, uint32_t flags,
                   const struct record_plan *plan, const struct record_flow *flow,
                   uint32_t received);

/* CONNECTING becomes CONNECTION. */
void record_establish(struct record *record, const struct record_flow *flow);

void record_flags_add(struct record *record, uint32_t flags);
void record_flags_drop(struct record *record, uint32_t flags);
uint32_t record_flags(const struct record *record); /* the own process's word for it; 0: free */

/* word: RECEIVED, ACKED, SENT. */
void record_position(struct record *record, enum record_word word, uint32_t position);
/* word: from RECORD_KEEP_IDLE on. */
void record_keep(struct record *record, enum record_word word, uint32_t value);

void record_linger(struct record *record, uint64_t deadline);
void record_free(struct record *record);

enum record_verdict record_read(const struct record *record, struct record_view *out);

/* Bytes replaced in one step: the old ones or the new ones are found. Two places; the one with the higher
 * sequence number counts if its check holds, and the other one is written. */
#define NOTE_MOST 1024u
struct note {
    uint64_t sequence; /* 0: none */
    uint64_t length, check;
    uint8_t bytes[NOTE_MOST];
};
/* length: at most NOTE_MOST. */
void note_put(struct note notes[2], const void *bytes, size_t length);
/* False: there is none of that length. */
bool note_get(const struct note notes[2], void *bytes, size_t length);
