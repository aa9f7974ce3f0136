/* Two rings of bytes between a program and netd: a TCP connection's memory (struct sw_socket_rings).
 *
 * Each side writes its own positions and wishes and believes of the other's what makes sense: a
 * position that leads outside makes the stream `broken` for good, and nothing is read or written
 * outside the rings. Sizes stay private. Before sleeping a side says what it waits for and looks once
 * more (sw_stream_want); after moving a position it asks whether the other waits for that
 * (sw_stream_flush). One thread a side. Pure: no system calls. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

#define SW_STREAM_BYTES(capacity) (SW_PAGE + 2 * (size_t)(capacity))

enum sw_stream_side { SW_STREAM_PROGRAM, SW_STREAM_STACK };

struct sw_stream {
    struct sw_socket_rings *rings;
    uint8_t *out, *in;
    uint32_t capacity; /* of each ring, a power of two */
    uint32_t *out_produced, *in_consumed, *wishes;
    const uint32_t *out_consumed, *in_produced, *others_wishes;
    uint32_t produced, consumed; /* ours, as last stored */
    uint32_t told_produced, told_consumed;
    uint32_t acked; /* the other's consumed, as last believed */
    uint32_t come;  /* the other's produced, as last believed */
    bool broken;
};

/* True when `size` is one of a connection's memory; *out_capacity is then a ring's. */
bool sw_stream_capacity(uint64_t size, uint32_t *out_capacity);

/* Takes up one side of mapped memory; all positions of new memory are 0. */
void sw_stream_open(struct sw_stream *stream, void *memory, uint32_t capacity,
                    enum sw_stream_side side);

/* Takes up the stack's side again after its process died, with the positions it has kept: both are put
 * right in memory. Whoever waits is to be woken once. */
void sw_stream_resume(struct sw_stream *stream, void *memory, uint32_t capacity, uint32_t produced,
                      uint32_t consumed);

/* Free bytes of our ring in one piece, 0 when it is full. */
size_t sw_stream_room(struct sw_stream *stream, uint8_t **out_at);
void sw_stream_put(struct sw_stream *stream, size_t length);
/* All free bytes, in both pieces. */
size_t sw_stream_free(struct sw_stream *stream);

/* Bytes of the other's ring, from `skip` bytes behind what was taken, in one piece. */
size_t sw_stream_data(struct sw_stream *stream, size_t skip, const uint8_t **out_at);
void sw_stream_take(struct sw_stream *stream, size_t length);
/* All bytes not taken. */
size_t sw_stream_waiting(struct sw_stream *stream);

/* Whether the other side is to be woken for what we put and took since the last time: for room once half
 * of its ring is free. */
bool sw_stream_flush(struct sw_stream *stream);

/* Says what we wait for, SW_SOCKET_WANT_*; look again afterwards, then sleep. */
void sw_stream_want(struct sw_stream *stream, uint32_t wishes);
