/* A TCP connection across netd's deaths: the order of stores into its record, its ring and the wire
 * (bin/netd/record.h), both directions.
 *
 * Bytes are numbers that count up. The program puts them into the ring up and takes them out of the ring
 * down; the peer is a TCP that keeps what is not acknowledged, sends it again when it likes, and acknowledges
 * what it has. The wire loses: a message is the last one sent, and may be gone. netd dies between any two
 * steps, and its successor goes on from the record and the rings.
 *
 * At some time the program lets the rings grow: it waits while netd copies them into larger memory, and goes
 * over to that when it hears so. A successor finds the memory that is kept, and the program asks it again.
 *
 * Checked: the program reads each byte once and in order, and so does the peer; the rings it touches are those
 * that are kept, and positions it sees move forward only; what was acknowledged to the peer is there for the
 * program; what the peer acknowledges was recorded as sent, so that the successor believes it; nothing that may
 * have to be sent again was written over.
 *
 * Variants that must fail: BUG_PUBLISH (the ring says that bytes came before the record does), BUG_ACK (they
 * are acknowledged before they are recorded), BUG_ROOM (room is given away before it is recorded what was
 * acknowledged), BUG_SENT (a segment leaves before it is recorded), BUG_REFUSED (what the ring has no room for
 * is acknowledged), BUG_KEPT (larger memory is kept before it holds a copy), BUG_TOLD (the program hears of it
 * before it is kept), BUG_AGAIN (a successor that has it already is asked again, and says no). */

#define BYTES 3
#define RING 2
#define DEATHS 2

/* Two memories, the second one with larger rings, and in each what is shared with the program. */
#define GROWN 4
typedef memory {
    byte up[GROWN], down[GROWN];
    byte up_produced, up_consumed, down_produced, down_consumed
}
memory m[2];
#define SIZE(which) (which -> GROWN : RING)

/* Which one is kept, which is netd's (gone with it), and the program's, who waits for the second one. */
bit kept, has, uses, asks;

/* The record. */
byte received, acked, sent;

/* netd's own memory; gone with it. rcv_nxt: what lwIP would acknowledge. */
byte rcv_nxt, snd_una, snd_max;
bit alive = 1, gone;
byte deaths;

/* The wire: last segment each way, and last acknowledgement. NONE: lost, or not there. */
#define NONE 255
byte to_guest = NONE, to_peer = NONE, to_peer_value;
byte ack_to_guest = NONE, ack_to_peer = NONE;

/* The peer. */
byte peer_una, peer_got;
/* The program. */
byte got, put, seen_consumed, seen_produced;

#define DONE (got == BYTES && peer_got == BYTES && m[uses].up_consumed == BYTES && \
              peer_una == BYTES && !asks)

active proctype Program()
{
    do
    :: atomic { !asks && m[uses].down_consumed < m[uses].down_produced ->
        assert(uses == kept && m[uses].down_produced >= seen_produced);
        seen_produced = m[uses].down_produced;
        assert(m[uses].down[m[uses].down_consumed % SIZE(uses)] == got); /* once, in order */
        got++;
        m[uses].down_consumed++ }
    :: atomic { !asks && put < BYTES && m[uses].up_produced - m[uses].up_consumed < SIZE(uses) ->
        assert(uses == kept && m[uses].up_consumed >= seen_consumed);
        seen_consumed = m[uses].up_consumed;
        m[uses].up[m[uses].up_produced % SIZE(uses)] = put;
        put++;
        m[uses].up_produced++ }
    :: atomic { m[uses].up_consumed < seen_consumed || m[uses].down_produced < seen_produced ->
        assert(false) }
    :: atomic { !asks && uses == 0 && !DONE -> asks = 1 }
    :: DONE -> break
    od
}

active proctype Peer()
{
    do
    /* Sends what is not acknowledged, again and again. */
    :: atomic { peer_una < BYTES && to_guest == NONE -> to_guest = peer_una }
    :: atomic { ack_to_peer != NONE ->
        if
        :: ack_to_peer > peer_una -> peer_una = ack_to_peer
        :: else
        fi;
        ack_to_peer = NONE;
        /* It forgets what was acknowledged: that must be the program's, now or later. */
        assert(peer_una <= received && received - m[uses].down_consumed <= SIZE(kept)) }
    :: atomic { to_peer != NONE ->
        if
        :: to_peer == peer_got -> assert(to_peer_value == peer_got); peer_got++
        :: else
        fi;
        to_peer = NONE;
        ack_to_guest = peer_got }
    :: DONE -> break
    od
}

active proctype Wire()
{
    do
    :: atomic { to_guest != NONE -> to_guest = NONE }
    :: atomic { to_peer != NONE -> to_peer = NONE }
    :: atomic { ack_to_guest != NONE -> ack_to_guest = NONE }
    :: atomic { ack_to_peer != NONE -> ack_to_peer = NONE }
    :: DONE -> break
    od
}

inline copy()
{
    value = m[0].down_consumed;
    do
    :: value < rcv_nxt -> m[1].down[value % GROWN] = m[0].down[value % RING]; value++
    :: else -> break
    od;
    value = snd_una;
    do
    :: value < m[0].up_produced -> m[1].up[value % GROWN] = m[0].up[value % RING]; value++
    :: else -> break
    od;
    m[1].down_consumed = m[0].down_consumed;
    m[1].down_produced = rcv_nxt;
    m[1].up_consumed = snd_una;
    m[1].up_produced = m[0].up_produced;
    value = 0
}

/* Memory that nobody has any more, or that the next copy fills: it makes no difference. */
inline clear(which)
{
    m[which].up[0] = 0; m[which].up[1] = 0; m[which].up[2] = 0; m[which].up[3] = 0;
    m[which].down[0] = 0; m[which].down[1] = 0; m[which].down[2] = 0; m[which].down[3] = 0;
    m[which].up_produced = 0; m[which].up_consumed = 0;
    m[which].down_produced = 0; m[which].down_consumed = 0
}

#define STEP(what) if :: atomic { alive -> what } :: !alive -> goto dead fi

proctype Netd()
{
    byte segment, value;

    /* As revive.c: from the record; the ring's own positions are put right. */
    STEP(has = kept; rcv_nxt = received; snd_una = acked; snd_max = sent; segment = NONE);
    STEP(m[has].down_produced = received);
    STEP(m[has].up_consumed = acked);
    do
    :: !alive -> break
    :: atomic { alive && to_guest != NONE -> segment = to_guest; to_guest = NONE };
        if
#ifdef BUG_REFUSED
        :: segment == rcv_nxt && rcv_nxt - m[has].down_consumed >= SIZE(has) ->
            STEP(rcv_nxt++)
#endif
        :: segment == rcv_nxt && rcv_nxt - m[has].down_consumed < SIZE(has) ->
            STEP(m[has].down[rcv_nxt % SIZE(has)] = segment);
#ifdef BUG_PUBLISH
            STEP(m[has].down_produced = rcv_nxt + 1);
            STEP(received = rcv_nxt + 1);
#else
#ifdef BUG_ACK
            STEP(ack_to_peer = rcv_nxt + 1);
#endif
            STEP(received = rcv_nxt + 1);
            STEP(m[has].down_produced = rcv_nxt + 1);
#endif
            STEP(rcv_nxt++)
        :: else
        fi;
        STEP(ack_to_peer = rcv_nxt; segment = NONE)
    :: atomic { alive && ack_to_guest != NONE -> segment = ack_to_guest; ack_to_guest = NONE;
        assert(segment <= sent) };
        if
        :: segment > snd_una ->
            STEP(snd_una = segment);
#ifdef BUG_ROOM
            STEP(m[has].up_consumed = segment);
            STEP(acked = segment);
#else
            STEP(acked = segment);
            STEP(m[has].up_consumed = segment);
#endif
        :: else
        fi;
        segment = NONE
    /* Sends the next byte, or an earlier one again. */
    :: atomic { alive && snd_una < m[has].up_produced && to_peer == NONE ->
        if
        :: segment = snd_una
        :: snd_max < m[has].up_produced && snd_max >= snd_una -> segment = snd_max
        fi;
        value = m[has].up[segment % SIZE(has)] };
#ifdef BUG_SENT
        STEP(to_peer_value = value; to_peer = segment);
#endif
        if
        :: segment >= sent -> STEP(sent = segment + 1); STEP(snd_max = segment + 1)
        :: else
        fi;
#ifndef BUG_SENT
        STEP(to_peer_value = value; to_peer = segment);
#endif
        atomic { segment = NONE; value = 0 }
    /* Larger rings. */
    :: alive && asks;
        if
#ifdef BUG_AGAIN
        :: has == 1 -> STEP(asks = 0); goto answered
#else
        :: has == 1
#endif
        :: has == 0 ->
#ifdef BUG_KEPT
            STEP(kept = 1);
#endif
            /* Nobody else sees what is not kept: one step. */
            STEP(d_step { copy() });
#ifdef BUG_TOLD
            STEP(uses = 1; asks = 0);
#endif
            STEP(kept = 1);
            STEP(has = 1)
        fi;
        STEP(d_step { uses = 1; asks = 0; clear(0) });
answered:
        segment = NONE
    :: DONE -> break
    od;
dead:
    gone = 1
}

/* Ends netd, and starts the next one when it is gone. */
init
{
    run Netd();
    do
    :: deaths < DEATHS ->
        atomic { alive = 0; deaths++ };
        atomic { gone -> gone = 0; alive = 1;
            if
            :: kept == 0 -> d_step { clear(1) }
            :: else
            fi;
            run Netd() }
    :: DONE -> break
    od
}
