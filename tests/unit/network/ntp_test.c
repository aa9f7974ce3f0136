/* SNTP: what an answer must be to be believed, the offset it gives, and what is done about that. */
#include "../../../bin/netd/ntp.h"
#include "tap.h"
#include <string.h>

#define SECOND 1000000000ull
#define EPOCH 2208988800ull
#define NONCE 0x1122334455667788ull
#define SENT (1767225600 * SECOND) /* our clock, 2026-01-01 */
#define ELAPSED (40 * 1000000ull)

static uint8_t packet[NTP_PACKET];
static struct ntp_sample sample;
static const char *why;

static void put(int at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        packet[at + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static void put_time(int at, uint64_t ns)
{
    put(at, ns / SECOND + EPOCH, 4);
    put(at + 4, ((ns % SECOND << 32) + SECOND - 1) / SECOND, 4);
}

/* An answer of a server whose clock is `ahead` ns ahead, half way between there and back. */
static void good(int64_t ahead)
{
    memset(packet, 0, sizeof(packet));
    packet[0] = 4 << 3 | 4;
    packet[1] = 2;
    put(24, NONCE, 8);
    put_time(32, SENT + ELAPSED / 2 + (uint64_t)ahead);
    put_time(40, SENT + ELAPSED / 2 + (uint64_t)ahead);
}

static enum ntp_verdict judge(size_t length)
{
    return ntp_judge(packet, length, NONCE, SENT, ELAPSED, &sample, &why);
}

static int is_near(int64_t value, int64_t wanted)
{
    return value - wanted < 10 && wanted - value < 10;
}

static void test_offset(void)
{
    static const int64_t offsets[] = { 0,
                                       1,
                                       -1000000,
                                       3600 * (int64_t)SECOND,
                                       -365 * 86400 * (int64_t)SECOND,
                                       20LL * 365 * 86400 * (int64_t)SECOND };

    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        good(offsets[i]);
        CHECK(judge(sizeof(packet)) == NTP_GOOD && !why);
        CHECK(is_near(sample.offset, offsets[i]));
        CHECK(sample.delay == ELAPSED && sample.stratum == 2);
    }
    good(0); /* ten of forty milliseconds were the server's own */
    put_time(32, SENT + 15000000);
    put_time(40, SENT + 25000000);
    CHECK(judge(sizeof(packet)) == NTP_GOOD);
    CHECK(is_near(sample.offset, 0) && is_near((int64_t)sample.delay, 30000000));
    good(0); /* seconds of the next era: after February 2036 */
    put(32, 100, 4), put(40, 100, 4);
    CHECK(judge(sizeof(packet)) == NTP_GOOD);
    CHECK(sample.offset > 10LL * 365 * 86400 * (int64_t)SECOND);
}

static void test_foreign(void)
{
    good(0);
    for (size_t length = 0; length < sizeof(packet); length++)
        if (judge(length) != NTP_FOREIGN)
            CHECK(!"a short packet is looked at");
    for (int mode = 0; mode < 8; mode++) {
        good(0);
        packet[0] = (uint8_t)(4 << 3 | mode);
        CHECK((judge(sizeof(packet)) == NTP_GOOD) == (mode == 4));
    }
    for (int version = 0; version < 8; version++) {
        good(0);
        packet[0] = (uint8_t)(version << 3 | 4);
        CHECK((judge(sizeof(packet)) == NTP_GOOD) == (version == 3 || version == 4));
    }
    for (int bit = 0; bit < 64; bit++) {
        good(0);
        packet[24 + bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK(judge(sizeof(packet)) == NTP_FOREIGN);
    }
    good(0); /* also a kiss must know the question */
    packet[1] = 0;
    memcpy(packet + 12, "DENY", 4);
    packet[24] ^= 1;
    CHECK(judge(sizeof(packet)) == NTP_FOREIGN);
}

static void test_useless(void)
{
    for (int stratum = 0; stratum < 256; stratum++) {
        good(0);
        packet[1] = (uint8_t)stratum;
        CHECK((judge(sizeof(packet)) == NTP_GOOD) == (stratum >= 1 && stratum <= 15));
    }
    good(0), packet[0] |= 3 << 6;
    CHECK(judge(sizeof(packet)) == NTP_USELESS && strstr(why, "not set"));
    good(0), put(40, 0, 8);
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
    good(0), put(32, 0, 8);
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
    good(0), put(4, 1 << 16, 4);
    CHECK(judge(sizeof(packet)) == NTP_USELESS && strstr(why, "too far"));
    good(0), put(8, 0xffffffff, 4);
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
    good(0), put_time(40, SENT); /* answered before it came */
    CHECK(judge(sizeof(packet)) == NTP_USELESS && strstr(why, "no sense"));
    good(0), put_time(40, SENT + SECOND); /* held longer than we waited */
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
    good(0), put(32, EPOCH, 4), put(40, EPOCH, 4); /* 1970 */
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
    good(0), put(32, EPOCH + NTP_EARLIEST - 1, 4), put(40, EPOCH + NTP_EARLIEST - 1, 4);
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
    good(0), put(32, (uint32_t)(EPOCH + NTP_LATEST), 4), put(40, (uint32_t)(EPOCH + NTP_LATEST), 4);
    CHECK(judge(sizeof(packet)) == NTP_USELESS);
}

static void test_kiss(void)
{
    static const struct {
        const char *code;
        enum ntp_verdict verdict;
    } kisses[] = { { "DENY", NTP_DENIED },
                   { "RSTR", NTP_DENIED },
                   { "RATE", NTP_RATE },
                   { "INIT", NTP_USELESS },
                   { "\0\0\0\0", NTP_USELESS } };

    for (size_t i = 0; i < sizeof(kisses) / sizeof(kisses[0]); i++) {
        good(0);
        packet[1] = 0;
        memcpy(packet + 12, kisses[i].code, 4);
        CHECK(judge(sizeof(packet)) == kisses[i].verdict && why);
    }
}

static void test_ask(void)
{
    ntp_ask(packet, NONCE);
    CHECK(packet[0] == (4 << 3 | 3));
    for (int i = 1; i < 40; i++)
        if (packet[i])
            CHECK(!"the question says more than it must");
    CHECK(packet[40] == 0x11 && packet[47] == 0x88);
}

static void test_decide(void)
{
    const int64_t ms = 1000000, s = 1000000000;

    for (int first = 0; first < 2; first++) {
        CHECK(ntp_decide(0, first) == NTP_LEAVE && ntp_decide(5 * ms, first) == NTP_LEAVE &&
              ntp_decide(-5 * ms, first) == NTP_LEAVE);
        CHECK(ntp_decide(6 * ms, first) == NTP_STEP && ntp_decide(999 * s, first) == NTP_STEP &&
              ntp_decide(-999 * s, first) == NTP_STEP && ntp_decide(-1001 * ms, first) == NTP_STEP);
        CHECK(ntp_decide(-6 * ms, first) == (first ? NTP_STEP : NTP_SLEW));
        CHECK(ntp_decide(-1000 * ms, first) == (first ? NTP_STEP : NTP_SLEW));
        CHECK(ntp_decide(1001 * s, first) == (first ? NTP_STEP : NTP_REFUSE));
        CHECK(ntp_decide(-1001 * s, first) == (first ? NTP_STEP : NTP_REFUSE));
        CHECK(ntp_decide(INT64_MIN, first) == (first ? NTP_STEP : NTP_REFUSE));
    }
}

int main(void)
{
    test_ask();
    test_offset();
    test_foreign();
    test_useless();
    test_kiss();
    test_decide();
    return tap_done();
}
