/* A TCP connection across netd's deaths: the order of stores into its record, its ring and the wire
 * (bin/netd/record.h), both directions.
 *
 * Bytes are numbers that count up. The program puts them into the ring up and takes them out of the ring
 * down; the peer is a TCP that keeps what is not acknowledged, sends it again when it likes, and acknowledges
 * what it has. The wire loses: a message is the last one sent, and may be gone. netd dies between any two
 * steps, and its successor goes on from the record and the rings.
 *
 * Checked: the program reads each byte once and in order, and so does the peer; positions the program sees
 * move forward only; what was acknowledged to the peer is there for the program; what the peer acknowledges
 * was recorded as sent, so that the successor believes it; nothing that may have to be sent again was written
 * over.
 *
 * Variants that must fail: BUG_PUBLISH (the ring says that bytes came before the record does), BUG_ACK (they
 * are acknowledged before they are recorded), BUG_ROOM (room is given away before it is recorded what was
 * acknowledged), BUG_SENT (a segment leaves before it is recorded), BUG_REFUSED (what the ring has no room for
 * is acknowledged). */

#define BYTES 4
#define RING 2
#define DEATHS 2

byte up[RING], down[RING];

/* Shared with the program. */
byte up_produced, up_consumed, down_produced, down_consumed;

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

#define DONE (got == BYTES && peer_got == BYTES && up_consumed == BYTES && peer_una == BYTES)

active proctype Program()
{
    do
    :: atomic { down_consumed < down_produced ->
        assert(down_produced >= seen_produced);
        seen_produced = down_produced;
        assert(down[down_consumed % RING] == got); /* once, in order */
        got++;
        down_consumed++ }
    :: atomic { put < BYTES && up_produced - up_consumed < RING ->
        assert(up_consumed >= seen_consumed);
        seen_consumed = up_consumed;
        up[up_produced % RING] = put;
        put++;
        up_produced++ }
    :: atomic { up_consumed < seen_consumed || down_produced < seen_produced -> assert(false) }
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
        assert(peer_una <= received && received - down_consumed <= RING) }
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

#define STEP(what) if :: atomic { alive -> what } :: !alive -> goto dead fi

proctype Netd()
{
    byte segment, value;

    /* As revive.c: from the record; the ring's own positions are put right. */
    STEP(rcv_nxt = received; snd_una = acked; snd_max = sent; segment = NONE);
    STEP(down_produced = received);
    STEP(up_consumed = acked);
    do
    :: !alive -> break
    :: atomic { alive && to_guest != NONE -> segment = to_guest; to_guest = NONE };
        if
#ifdef BUG_REFUSED
        :: segment == rcv_nxt && rcv_nxt - down_consumed >= RING ->
            STEP(rcv_nxt++)
#endif
        :: segment == rcv_nxt && rcv_nxt - down_consumed < RING ->
            STEP(down[rcv_nxt % RING] = segment);
#ifdef BUG_PUBLISH
            STEP(down_produced = rcv_nxt + 1);
            STEP(received = rcv_nxt + 1);
#else
#ifdef BUG_ACK
            STEP(ack_to_peer = rcv_nxt + 1);
#endif
            STEP(received = rcv_nxt + 1);
            STEP(down_produced = rcv_nxt + 1);
#endif
            STEP(rcv_nxt++)
        :: else
        fi;
        STEP(ack_to_peer = rcv_nxt)
    :: atomic { alive && ack_to_guest != NONE -> segment = ack_to_guest; ack_to_guest = NONE;
        assert(segment <= sent) };
        if
        :: segment > snd_una ->
            STEP(snd_una = segment);
#ifdef BUG_ROOM
            STEP(up_consumed = segment);
            STEP(acked = segment);
#else
            STEP(acked = segment);
            STEP(up_consumed = segment);
#endif
        :: else
        fi
    /* Sends the next byte, or an earlier one again. */
    :: atomic { alive && snd_una < up_produced && to_peer == NONE ->
        if
        :: segment = snd_una
        :: snd_max < up_produced && snd_max >= snd_una -> segment = snd_max
        fi;
        value = up[segment % RING] };
#ifdef BUG_SENT
        STEP(to_peer_value = value; to_peer = segment);
#endif
        if
        :: segment >= sent -> STEP(sent = segment + 1); STEP(snd_max = segment + 1)
        :: else
        fi;
#ifndef BUG_SENT
        STEP(to_peer_value = value; to_peer = segment)
#endif
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
        atomic { gone -> gone = 0; alive = 1; run Netd() }
    :: DONE -> break
    od
}
