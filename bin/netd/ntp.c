/* See ntp.h. */
#include "ntp.h"
#include <string.h>

#define SECOND 1000000000ull
#define EPOCH 2208988800ull /* seconds from 1900 to 1970 */
#define MODE_CLIENT 3
#define MODE_SERVER 4
#define VERSION 4
#define LEAP_UNKNOWN 3
#define STRATUM_MOST 15
#define ROOT_MOST (1u << 16)    /* 1 s as 16.16: of a server farther from the truth */
#define SLACK (10 * 1000000ull) /* by which clocks may run apart while a question is under way */

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* A timestamp of the era in which it lies behind NTP_EARLIEST. */
static uint64_t time_of(const uint8_t *at)
{
    uint32_t since = (uint32_t)get(at, 4) - (uint32_t)(NTP_EARLIEST + EPOCH);

    return (NTP_EARLIEST + (uint64_t)since) * SECOND + (get(at + 4, 4) * SECOND >> 32);
}

void ntp_ask(uint8_t out[NTP_PACKET], uint64_t nonce)
{
    memset(out, 0, NTP_PACKET);
    out[0] = VERSION << 3 | MODE_CLIENT;
    for (int i = 0; i < 8; i++)
        out[40 + i] = (uint8_t)(nonce >> (56 - 8 * i));
}

/* A kiss of death says why in four letters where the server's source would stand. */
static enum ntp_verdict kiss(const uint8_t *code, const char **out_why)
{
    if (memcmp(code, "DENY", 4) == 0 || memcmp(code, "RSTR", 4) == 0) {
        *out_why = "does not want to be asked";
        return NTP_DENIED;
    }
    if (memcmp(code, "RATE", 4) == 0) {
        *out_why = "wants to be asked less often";
        return NTP_RATE;
    }
    *out_why = "has no time to tell";
    return NTP_USELESS;
}

enum ntp_verdict ntp_judge(const uint8_t *packet, size_t length, uint64_t nonce, uint64_t sent,
                           uint64_t elapsed, struct ntp_sample *out, const char **out_why)
{
    *out_why = NULL;
    if (length < NTP_PACKET || (packet[0] & 7) != MODE_SERVER || get(packet + 24, 8) != nonce)
        return NTP_FOREIGN;
    uint8_t version = packet[0] >> 3 & 7, stratum = packet[1];
    if (version < 3 || version > VERSION)
        return NTP_FOREIGN;
    if (stratum == 0)
        return kiss(packet + 12, out_why);
    *out_why = "has a clock that is not set";
    if (packet[0] >> 6 == LEAP_UNKNOWN || stratum > STRATUM_MOST || get(packet + 40, 8) == 0 ||
        get(packet + 32, 8) == 0)
        return NTP_USELESS;
    *out_why = "is too far from the truth by its own word";
    if (get(packet + 4, 4) >= ROOT_MOST || get(packet + 8, 4) >= ROOT_MOST)
        return NTP_USELESS;
    uint64_t received = time_of(packet + 32), answered = time_of(packet + 40);
    *out_why = "tells a time that makes no sense";
    if (received >= NTP_LATEST * SECOND || answered >= NTP_LATEST * SECOND || answered < received ||
        answered - received > elapsed + SLACK)
        return NTP_USELESS;
    *out_why = NULL;
    uint64_t held = answered - received;
    out->delay = elapsed > held ? elapsed - held : 0;
    out->offset = (int64_t)(answered + out->delay / 2) - (int64_t)(sent + elapsed);
    out->stratum = stratum;
    return NTP_GOOD;
}

enum ntp_action ntp_decide(int64_t offset, bool first)
{
    uint64_t size = offset < 0 ? -(uint64_t)offset : (uint64_t)offset;

    if (size <= NTP_GOOD_ENOUGH)
        return NTP_LEAVE;
    if (first)
        return NTP_STEP;
    if (size > NTP_JUMP_MOST)
        return NTP_REFUSE;
    return offset < 0 && size <= NTP_SLEW_MOST ? NTP_SLEW : NTP_STEP;
}
