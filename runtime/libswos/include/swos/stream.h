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

/* The memory of two rings of `capacity` bytes each. */
#define SW_STREAM_BYTES(capacity) (SW_PAGE + 2 * (size_t)(capacity))

/* Two rings as they lie in memory, by its size alone, so that who finds the memory knows. */
struct sw_stream_shape {
    uint32_t up, down;       /* bytes of each, powers of two */
    uint32_t up_at, down_at; /* where they begin */
};

/* The shape of memory of `size` bytes; false: there is none of that size. */
bool sw_stream_shape(uint64_t size, struct sw_stream_shape *out);
/* The size of the least memory whose rings have at least so many bytes, and their shape; 0: too many. */
uint64_t sw_stream_size(uint32_t up, uint32_t down);

enum sw_stream_side { SW_STREAM_PROGRAM, SW_STREAM_STACK };

struct sw_stream {
    struct sw_socket_rings *rings;
    uint8_t *out, *in;
    uint32_t out_capacity, in_capacity; /* powers of two */
    uint32_t *out_produced, *in_consumed, *wishes;
    const uint32_t *out_consumed, *in_produced, *others_wishes;
    uint32_t produced, consumed; /* ours, as last stored */
    uint32_t told_produced, told_consumed;
    uint32_t acked; /* the other's consumed, as last believed */
    uint32_t come;  /* the other's produced, as last believed */
    bool broken;
};

/* Takes up one side of mapped memory; all positions of new memory are 0. */
void sw_stream_open(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape,
                    enum sw_stream_side side);

/* Takes up the stack's side again after its process died, with the positions it has kept: both are put
 * right in memory. Whoever waits is to be woken once. */
void sw_stream_resume(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape,
                      uint32_t produced, uint32_t consumed);

/* Copies all that was put into the rings and not taken, and the positions, into other memory whose rings
 * are not smaller; its head is zeros. The stack's side, while the program's waits: until both have gone over
 * (sw_stream_move) the old rings are as they were. False: the stream is broken. */
bool sw_stream_copy(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape);
/* Goes over to memory with a copy, which the other side may be using already. */
void sw_stream_move(struct sw_stream *stream, void *memory, const struct sw_stream_shape *shape,
                    enum sw_stream_side side);

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
