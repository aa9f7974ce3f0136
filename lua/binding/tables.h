/* The ABI as constant tables: fields by offset, system calls by argument kinds, protocol
 * operations by their request and reply. build/generated/lua/abi_tables.inc fills them; names
 * are offsets into one pool, so nothing here needs a relocation. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { KIND_U8, KIND_U16, KIND_U32, KIND_U64, KIND_I32, KIND_I64, KIND_STRUCT, KIND_RAW };

struct field {
    uint16_t name;
    uint16_t offset; /* in a message: from its header on */
    uint16_t count;  /* 0: not an array */
    uint8_t kind;
    uint8_t structure; /* KIND_STRUCT and KIND_RAW: index in structures */
};

struct structure {
    uint16_t name, size, first_field, field_count;
};

enum {
    ARGUMENT_NUMBER = 1,
    ARGUMENT_HANDLE,
    ARGUMENT_OPTIONAL,
    ARGUMENT_STRUCT_IN,
    ARGUMENT_STRUCT_OUT,
    ARGUMENT_BYTES_IN,
    ARGUMENT_BYTES_OUT, /* the next argument is their length */
};
enum { OUTPUT_NONE, OUTPUT_NUMBER, OUTPUT_HANDLE };

struct system_call {
    uint16_t name;
    uint8_t number;
    uint8_t argument_count;
    struct {
        uint8_t kind, structure;
    } arguments[8];
    uint8_t outputs[3];
};

struct protocol {
    uint16_t name, id, version, first_operation, operation_count;
};

/* A message: header, fields, one u32 length per string, padding; then the strings. */
struct part {
    uint16_t first_field, field_count, first_string, string_count;
    uint16_t lengths; /* offset of the string lengths */
    uint16_t size;    /* of all before the strings */
};

enum { DATA_NONE, DATA_IN, DATA_OUT };

struct operation {
    uint16_t name;
    uint8_t protocol, number, data, idempotent, once;
    uint8_t capability; /* 1 + bit, 0: none */
    uint8_t secret;
    struct part request, reply;
    uint16_t first_send, send_count, first_receive, receive_count;
};

struct constant {
    uint16_t name;
    int64_t value;
};

struct status_text {
    uint16_t name, text;
};
