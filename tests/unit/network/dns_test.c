/* DNS: the question, and answers whole, forged, truncated, in circles, and changed at random (the
 * sanitizers watch). */
#include "../../../bin/netd/dns.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>

#define ID 0x1234

static uint8_t packet[4096];
static size_t size;
static struct dns_answer answer;

static uint32_t below(uint32_t limit)
{
    static uint64_t state = 5;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

static void put(uint32_t value, int bytes)
{
    while (bytes-- > 0)
        packet[size++] = bytes < 4 ? (uint8_t)(value >> (8 * bytes)) : 0;
}

static void put_name(const char *name)
{
    while (*name) {
        size_t label = strcspn(name, ".");
        packet[size++] = (uint8_t)label;
        memcpy(packet + size, name, label);
        size += label;
        name += label + (name[label] == '.');
    }
    packet[size++] = 0;
}

/* An answer to `name`, with so many records to come in its sections. */
static void begin(const char *name, uint16_t type, uint16_t flags, uint16_t answers,
                  uint16_t authority)
{
    size = 0;
    put(ID, 2), put(flags, 2), put(1, 2), put(answers, 2), put(authority, 2), put(0, 2);
    put_name(name);
    put(type, 2), put(1, 2);
}

static void put_record(const char *owner, uint16_t type, uint32_t seconds, const void *data,
                       uint16_t length)
{
    if (owner)
        put_name(owner);
    else
        put(0xc00c, 2);
    put(type, 2), put(1, 2), put(seconds, 4), put(length, 2);
    memcpy(packet + size, data, length);
    size += length;
}

static void put_alias(const char *owner, const char *target, uint32_t seconds)
{
    put_name(owner);
    put(5, 2), put(1, 2), put(seconds, 4);
    size_t at = size;
    put(0, 2);
    put_name(target);
    packet[at] = (uint8_t)((size - at - 2) >> 8);
    packet[at + 1] = (uint8_t)(size - at - 2);
}

/* From the heap, so that ASan sees a byte too far. */
static enum dns_verdict judge_piece(const char *name, uint16_t type, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);

    memcpy(copy, packet, length);
    enum dns_verdict verdict = dns_judge(copy, length, ID, name, type, &answer);
    free(copy);
    return verdict;
}

static enum dns_verdict judge(const char *name, uint16_t type)
{
    return judge_piece(name, type, size);
}

static const uint8_t v4[4] = { 192, 0, 2, 7 }, v6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 7 };

static void test_names(void)
{
    static const char *const good[] = { "a", "a.b", "xn--x.example", "_srv.a", "a-b.c" };
    static const char *const bad[] = { "", ".", "a..b", ".a", "a.", "a b", "a\n", "a\x7f" };
    char label[80], whole[400] = "";

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(dns_is_name(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!dns_is_name(bad[i]));
    memset(label, 'x', sizeof(label));
    label[63] = 0;
    CHECK(dns_is_name(label));
    label[63] = 'x', label[64] = 0;
    CHECK(!dns_is_name(label));
    memset(whole, 'x', 253);
    for (int i = 50; i < 253; i += 51)
        whole[i] = '.';
    CHECK(dns_is_name(whole));
    uint8_t question[DNS_QUESTION_MOST];
    CHECK(dns_ask(question, ID, whole, DNS_A) == 12 + 255 + 4);
    whole[253] = 'x';
    CHECK(!dns_is_name(whole));
    static const uint8_t wanted[] = { 0x12, 0x34, 1,   0, 0,   1,   0, 0, 0,  0, 0,
                                      0,    1,    'a', 2, 'b', 'c', 0, 0, 28, 0, 1 };
    CHECK(dns_ask(question, ID, "a.bc", DNS_AAAA) == sizeof(wanted) &&
          !memcmp(question, wanted, sizeof(wanted)));
}

static void test_found(void)
{
    begin("Host.test", DNS_A, 0x8180, 1, 0);
    put_record(NULL, DNS_A, 300, v4, 4);
    CHECK(judge("host.TEST", DNS_A) == DNS_FOUND && !memcmp(answer.address, v4, 4) &&
          answer.seconds == 300);
    for (size_t length = 0; length < size; length++)
        if (judge_piece("host.test", DNS_A, length) == DNS_FOUND)
            tap_ok(0, "found in %zu bytes", length);
    begin("h", DNS_AAAA, 0x8180, 2, 0);
    put_record(NULL, DNS_A, 5, v4, 4); /* was not asked for */
    put_record(NULL, DNS_AAAA, 0x80000000, v6, 16);
    CHECK(judge("h", DNS_AAAA) == DNS_FOUND && !memcmp(answer.address, v6, 16) &&
          answer.seconds == 0);
    begin("h", DNS_A, 0x8180, 1, 0);
    put_record(NULL, DNS_A, 1000000, v4, 4);
    CHECK(judge("h", DNS_A) == DNS_FOUND && answer.seconds == DNS_KEPT_MOST);
    /* aliases, in whatever order; the least of their times */
    begin("a", DNS_A, 0x8180, 3, 0);
    put_record("c", DNS_A, 300, v4, 4);
    put_alias("b", "C", 20);
    put_alias("a", "b", 30);
    CHECK(judge("a", DNS_A) == DNS_FOUND && answer.seconds == 20);
    /* an address of somebody else's does not count */
    begin("a", DNS_A, 0x8180, 1, 0);
    put_record("evil", DNS_A, 300, v4, 4);
    CHECK(judge("a", DNS_A) == DNS_NONE && answer.seconds == 0);
    begin("a", DNS_A, 0x8180, 1, 0); /* of a wrong size */
    put_record(NULL, DNS_A, 300, v6, 5);
    CHECK(judge("a", DNS_A) == DNS_NONE);
}

static void put_soa(uint32_t seconds, uint32_t least)
{
    uint8_t data[22] = { 0 };

    for (int i = 0; i < 4; i++)
        data[18 + i] = (uint8_t)(least >> (24 - 8 * i));
    put_record("zone", 6, seconds, data, sizeof(data));
}

static void test_none(void)
{
    begin("a", DNS_A, 0x8183, 0, 0);
    CHECK(judge("a", DNS_A) == DNS_NONE && answer.seconds == 0);
    begin("a", DNS_A, 0x8183, 0, 1);
    put_soa(300, 60);
    CHECK(judge("a", DNS_A) == DNS_NONE && answer.seconds == 60);
    begin("a", DNS_A, 0x8180, 1, 1); /* there is the name, and no address; behind an alias */
    put_alias("a", "b", 10);
    put_soa(40, 900);
    CHECK(judge("a", DNS_A) == DNS_NONE && answer.seconds == 40);
    begin("a", DNS_A, 0x8183, 0, 1);
    put_soa(100000, 100000);
    CHECK(judge("a", DNS_A) == DNS_NONE && answer.seconds == DNS_NONE_KEPT_MOST);
}

static void test_foreign(void)
{
    for (int change = 0; change < 8; change++) {
        begin("host", DNS_A, 0x8180, 1, 0);
        put_record(NULL, DNS_A, 300, v4, 4);
        switch (change) {
        case 0:
            packet[0] ^= 1;
            break; /* another id */
        case 1:
            packet[2] &= 0x7f;
            break; /* a question */
        case 2:
            packet[2] |= 0x08;
            break; /* another operation */
        case 3:
            packet[5] = 2;
            break; /* two questions */
        case 4:
            packet[5] = 0;
            break; /* none */
        case 5:
            packet[14] ^= 1;
            break; /* another name */
        case 6:
            packet[19] = DNS_AAAA;
            break; /* another type */
        case 7:
            packet[21] = 3;
            break; /* another class */
        }
        tap_ok(judge("host", DNS_A) == DNS_FOREIGN, "foreign: %d", change);
    }
    begin("hos", DNS_A, 0x8180, 0, 0);
    CHECK(judge("host", DNS_A) == DNS_FOREIGN);
    begin("hostx", DNS_A, 0x8180, 0, 0);
    CHECK(judge("host", DNS_A) == DNS_FOREIGN);
    begin("axb", DNS_A, 0x8180, 0, 0); /* one label with a dot in it */
    packet[14] = '.';
    CHECK(judge("a.b", DNS_A) == DNS_FOREIGN);
}

static void test_failed(void)
{
    for (uint16_t code = 1; code < 16; code++) {
        begin("a", DNS_A, (uint16_t)(0x8180 | code), 0, 0);
        CHECK(judge("a", DNS_A) == (code == 3 ? DNS_NONE : DNS_FAILED));
    }
    begin("a", DNS_A, 0x8180, 1, 0); /* a record that is not there */
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    begin("a", DNS_A, 0x8180, 1, 0); /* longer than the packet */
    put_record(NULL, DNS_A, 300, v4, 4);
    packet[size - 5] = 200;
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    begin("a", DNS_A, 0x8180, 2, 0); /* in a circle */
    put_alias("a", "b", 1);
    put_alias("b", "a", 1);
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    begin("a", DNS_A, 0x8180, 1, 0); /* a name that is its own beginning */
    put(0xc000 | (uint32_t)size, 2), put(0, 10);
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    begin("a", DNS_A, 0x8180, 1, 0); /* one that leads forward */
    put(0xc000 | (uint32_t)(size + 2), 2), put(0, 10);
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    begin("a", DNS_A, 0x8180, 1, 0); /* no kind of label */
    put(0x80, 1), put(0, 12);
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    begin("a", DNS_A, 0x8180, 5000, 0);
    CHECK(judge("a", DNS_A) == DNS_FAILED);
    /* truncated: of use when what is wanted came */
    begin("a", DNS_A, 0x8380, 1, 0);
    CHECK(judge("a", DNS_A) == DNS_TRUNCATED);
    begin("a", DNS_A, 0x8380, 2, 0);
    put_record(NULL, DNS_A, 300, v4, 4);
    CHECK(judge("a", DNS_A) == DNS_FOUND);
}

/* Bytes changed, moved and cut at random: nothing but a verdict comes of it. */
static void test_random(void)
{
    static uint8_t seed[4096];
    unsigned counts[5] = { 0 };
    size_t whole;

    begin("a.bc.test", DNS_A, 0x8180, 4, 1);
    put_alias("a.bc.test", "b.test", 10);
    put_alias("b.test", "c", 10);
    put_record("c", DNS_A, 300, v4, 4);
    put_record(NULL, DNS_A, 300, v4, 4);
    put_soa(5, 5);
    whole = size;
    memcpy(seed, packet, whole);
    for (int round = 0; round < 400000; round++) {
        memcpy(packet, seed, whole);
        for (uint32_t changes = 1 + below(6); changes > 0; changes--) {
            size_t at = 12 + below((uint32_t)whole - 12);
            if (below(3) == 0)
                packet[at] = (uint8_t)(0xc0 | below(2)),
                packet[(at + 1) % whole] = (uint8_t)below((uint32_t)whole);
            else
                packet[at] = (uint8_t)below(256);
        }
        if (below(4) == 0)
            packet[2 + below(10)] ^= (uint8_t)(1 << below(8));
        counts[judge_piece("a.bc.test", DNS_A, below(3) ? whole : below((uint32_t)whole))]++;
    }
    for (int verdict = 0; verdict < 5; verdict++)
        tap_ok(counts[verdict] > 0, "verdict %d: %u times", verdict, counts[verdict]);
}

/* A message over TCP: whole and the same whatever pieces it comes in, and nothing of what comes behind it. */
static void test_stream(void)
{
    static uint8_t sent[2 + 3000 + 7];
    struct dns_stream stream = { 0 };

    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7);
    dns_stream_head(sent, 3000);
    for (size_t piece = 1; piece <= sizeof(sent); piece += piece < 10 ? 1 : 97) {
        enum dns_stream_result result = DNS_STREAM_MORE;
        size_t at = 0;
        for (; at < sizeof(sent) && result == DNS_STREAM_MORE; at += piece)
            result = dns_stream_take(&stream, sent + at,
                                     piece < sizeof(sent) - at ? piece : sizeof(sent) - at);
        tap_ok(result == DNS_STREAM_WHOLE && stream.length == 3000 && at < 3002 + piece &&
                   memcmp(stream.message, sent + 2, 3000) == 0,
               "in pieces of %zu", piece);
        dns_stream_free(&stream);
    }
    for (size_t length = 0; length < 12; length++) { /* less than a header */
        dns_stream_head(sent, length);
        CHECK(dns_stream_take(&stream, sent, 1) == DNS_STREAM_MORE &&
              dns_stream_take(&stream, sent + 1, 100) == DNS_STREAM_BAD);
        dns_stream_free(&stream);
    }
    dns_stream_head(sent, 65535); /* and no more than this comes */
    CHECK(dns_stream_take(&stream, sent, 3000) == DNS_STREAM_MORE && stream.got == 2998);
    CHECK(dns_stream_take(&stream, sent, 0) == DNS_STREAM_MORE);
    dns_stream_free(&stream);
}

int main(void)
{
    test_stream();
    test_names();
    test_found();
    test_none();
    test_foreign();
    test_failed();
    test_random();
    return tap_done();
}
