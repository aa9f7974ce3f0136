/* See dns.h. */
#include "dns.h"
#include <stdlib.h>
#include <string.h>

#define HEADER 12u
#define LABEL_MOST 63u
#define ALIASES_MOST 8
#define RECORDS_MOST 128u /* looked at */
#define CLASS_IN 1u
#define TYPE_CNAME 5u
#define TYPE_SOA 6u
#define CODE_NO_NAME 3u

static uint8_t lower(uint8_t letter)
{
    return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter + 32) : letter;
}

static uint32_t get(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

bool dns_is_name(const char *name)
{
    size_t label = 0, whole = 0;

    for (;; name++, whole++) {
        if (whole >= DNS_NAME_MOST)
            return false;
        if (*name == '.' || !*name) {
            if (label == 0 || label > LABEL_MOST)
                return false;
            if (!*name)
                return true;
            label = 0;
        } else if ((uint8_t)*name <= ' ' || *name == 0x7f) {
            return false;
        } else {
            label++;
        }
    }
}

size_t dns_ask(uint8_t out[DNS_QUESTION_MOST], uint16_t id, const char *name, uint16_t type)
{
    uint8_t *at = out + HEADER;

    memset(out, 0, HEADER);
    out[0] = (uint8_t)(id >> 8);
    out[1] = (uint8_t)id;
    out[2] = 1; /* recursion desired */
    out[5] = 1; /* one question */
    while (*name) {
        size_t label = strcspn(name, ".");
        *at++ = (uint8_t)label;
        memcpy(at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    *at++ = 0;
    *at++ = (uint8_t)(type >> 8);
    *at++ = (uint8_t)type;
    *at++ = 0;
    *at++ = CLASS_IN;
    return (size_t)(at - out);
}

struct reader {
    const uint8_t *bytes;
    size_t length, at;
};

/* A name as text, in lower case; pointers lead backwards only, so that they end. */
static bool read_name(struct reader *reader, char out[DNS_NAME_MOST])
{
    size_t at = reader->at, limit = reader->length, size = 0;
    bool jumped = false;

    for (;;) {
        if (at >= limit)
            return false;
        uint8_t label = reader->bytes[at++];
        if (label >= 0xc0) {
            if (at >= limit)
                return false;
            size_t to = (size_t)(label & 0x3f) << 8 | reader->bytes[at];
            if (!jumped)
                reader->at = at + 1;
            jumped = true;
            if (to >= at - 1)
                return false;
            limit = at - 1; /* and never here again */
            at = to;
            continue;
        }
        if (label > LABEL_MOST || label > limit - at)
            return false;
        if (label == 0)
            break;
        if (size + label + 1 >= DNS_NAME_MOST)
            return false;
        if (size > 0)
            out[size++] = '.';
        for (uint8_t i = 0; i < label; i++) {
            uint8_t letter = lower(reader->bytes[at + i]);
            if (letter == 0 || letter == '.') /* is no part of any name we ask for */
                letter = 1;
            out[size++] = (char)letter;
        }
        at += label;
    }
    if (!jumped)
        reader->at = at;
    out[size] = 0;
    return true;
}

static bool is_same(const char *name, const char *lowered)
{
    for (; *name; name++, lowered++)
        if (lower((uint8_t)*name) != (uint8_t)*lowered)
            return false;
    return !*lowered;
}

struct record {
    char owner[DNS_NAME_MOST];
    uint32_t type, class, seconds;
    size_t data, size; /* where it lies */
};

static bool read_record(struct reader *reader, struct record *out)
{
    if (!read_name(reader, out->owner) || reader->length - reader->at < 10)
        return false;
    const uint8_t *at = reader->bytes + reader->at;
    out->type = get(at, 2);
    out->class = get(at + 2, 2);
    out->seconds = get(at + 4, 4);
    if (out->seconds > INT32_MAX) /* RFC 2181, 8 */
        out->seconds = 0;
    out->size = get(at + 8, 2);
    out->data = reader->at + 10;
    if (out->size > reader->length - out->data)
        return false;
    reader->at = out->data + out->size;
    return true;
}

/* How long it may be remembered that there is none: RFC 2308, 5. */
static uint32_t none_seconds(struct reader *reader, uint32_t records)
{
    struct record record;

    for (; records > 0 && read_record(reader, &record); records--) {
        if (record.type != TYPE_SOA || record.class != CLASS_IN || record.size < 22)
            continue;
        uint32_t least = get(reader->bytes + record.data + record.size - 4, 4);
        if (record.seconds < least)
            least = record.seconds;
        return least < DNS_NONE_KEPT_MOST ? least : DNS_NONE_KEPT_MOST;
    }
    return 0;
}

/* The address in the answers, whose records begin at the reader's place. */
static enum dns_verdict find(struct reader *reader, uint32_t records, const char *name,
                             uint16_t type, struct dns_answer *out)
{
    char wanted[DNS_NAME_MOST];
    uint32_t least = DNS_KEPT_MOST, size = type == DNS_A ? 4 : 16;
    size_t begin = reader->at;
    struct record record;

    for (size_t i = 0; i == 0 || name[i - 1]; i++)
        wanted[i] = (char)lower((uint8_t)name[i]);
    for (int aliases = 0; aliases <= ALIASES_MOST; aliases++) {
        bool moved = false;
        reader->at = begin;
        for (uint32_t i = 0; i < records && !moved; i++) {
            if (!read_record(reader, &record))
                return DNS_FAILED;
            if (record.class != CLASS_IN || strcmp(record.owner, wanted) != 0)
                continue;
            if (record.type == type && record.size == size) {
                memcpy(out->address, reader->bytes + record.data, size);
                out->seconds = record.seconds < least ? record.seconds : least;
                return DNS_FOUND;
            }
            if (record.type == TYPE_CNAME) {
                struct reader target = { reader->bytes, record.data + record.size, record.data };
                if (!read_name(&target, wanted))
                    return DNS_FAILED;
                least = record.seconds < least ? record.seconds : least;
                moved = true;
            }
        }
        if (!moved)
            return DNS_NONE;
    }
    return DNS_FAILED; /* aliases in a circle */
}

enum dns_verdict dns_judge(const uint8_t *bytes, size_t length, uint16_t id, const char *name,
                           uint16_t type, struct dns_answer *out)
{
    struct reader reader = { bytes, length, HEADER };
    char asked[DNS_NAME_MOST];

    *out = (struct dns_answer){ 0 };
    if (length < HEADER || get(bytes, 2) != id || (bytes[2] & 0xf8) != 0x80 ||
        get(bytes + 4, 2) != 1)
        return DNS_FOREIGN;
    if (!read_name(&reader, asked) || length - reader.at < 4 || !is_same(name, asked) ||
        get(bytes + reader.at, 2) != type || get(bytes + reader.at + 2, 2) != CLASS_IN)
        return DNS_FOREIGN;
    reader.at += 4;
    uint32_t code = bytes[3] & 0xf, answers = get(bytes + 6, 2), authority = get(bytes + 8, 2);
    if (code != 0 && code != CODE_NO_NAME)
        return DNS_FAILED;
    if (answers > RECORDS_MOST)
        return DNS_FAILED;
    enum dns_verdict verdict = code == 0 ? find(&reader, answers, name, type, out) : DNS_NONE;
    bool truncated = bytes[2] & 2;
    if (truncated && verdict != DNS_FOUND)
        return DNS_TRUNCATED;
    if (verdict == DNS_NONE) {
        struct record record;
        reader.at = HEADER;
        read_name(&reader, asked);
        reader.at += 4;
        for (; answers > 0 && read_record(&reader, &record); answers--)
            ;
        out->seconds = answers == 0 ? none_seconds(&reader, authority) : 0;
    }
    return verdict;
}

/* ------------------------------------------------------------------ over TCP */

enum dns_stream_result dns_stream_take(struct dns_stream *stream, const uint8_t *bytes,
                                       size_t length)
{
    for (; stream->head < 2 && length > 0; stream->head++, bytes++, length--)
        stream->length = stream->length << 8 | *bytes;
    if (stream->head < 2)
        return DNS_STREAM_MORE;
    if (stream->length < HEADER)
        return DNS_STREAM_BAD;
    if (length > stream->length - stream->got)
        length = stream->length - stream->got;
    if (length > 0) {
        uint8_t *longer = realloc(stream->message, stream->got + length);
        if (!longer)
            return DNS_STREAM_BAD;
        memcpy(longer + stream->got, bytes, length);
        stream->message = longer;
        stream->got += (uint32_t)length;
    }
    return stream->got == stream->length ? DNS_STREAM_WHOLE : DNS_STREAM_MORE;
}

void dns_stream_free(struct dns_stream *stream)
{
    free(stream->message);
    *stream = (struct dns_stream){ 0 };
}

void dns_stream_head(uint8_t out[2], size_t length)
{
    out[0] = (uint8_t)(length >> 8);
    out[1] = (uint8_t)length;
}
