/* What lwIP asks of its platform (arch/cc.h, lwip_hooks.h). */
#include "checksum.h"
#include "netd.h"
#include <lwip/sys.h>
#include <sodium/crypto_hash_sha256.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/status.h>

#include "lwip_hooks.h"

u32_t sys_now(void)
{
    return (u32_t)(sw_clock_monotonic() / SW_MILLISECOND);
}

/* Drawn in pieces: a call to the kernel each time would cost more than what it is for. */
uint32_t lwip_port_random(void)
{
    static uint32_t numbers[64];
    static size_t left;
    uint32_t number;

    if (left == 0) {
        status_t status = sw_random(numbers, sizeof(numbers));
        if (status != SW_OK)
            netd_fail("random numbers", status);
        left = sizeof(numbers) / sizeof(numbers[0]);
    }
    number = numbers[--left];
    numbers[left] = 0;
    return number;
}

void lwip_port_failed(const char *what, const char *file, int line)
{
    sw_log(SW_LOG_ERROR, "lwIP: %s (%s, line %d)", what, file, line);
    abort();
}

uint16_t lwip_port_checksum(const void *data, int length)
{
    return checksum(data, (size_t)length);
}

static void hash_address(uint8_t out[17], const ip_addr_t *address)
{
    memset(out, 0, 17);
    out[0] = IP_IS_V6(address) ? 6 : 4;
    if (IP_IS_V6(address))
        memcpy(out + 1, ip_2_ip6(address)->addr, 16);
    else
        memcpy(out + 1, &ip_2_ip4(address)->addr, 4);
}

/* RFC 6528, 3: four microseconds a step, from a place that only the secret tells. The clock goes on
 * when netd dies, the secret does not matter then: nothing of before is left. */
u32_t lwip_port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                    u16_t remote_port)
{
    static struct {
        uint8_t secret[32];
        uint8_t local[17], remote[17];
        uint16_t local_port, remote_port;
    } input;
    static bool drawn;
    uint8_t hash[crypto_hash_sha256_BYTES];
    u32_t place;

    if (!drawn) {
        status_t status = sw_random(input.secret, sizeof(input.secret));
        if (status != SW_OK)
            netd_fail("random numbers", status);
        drawn = true;
    }
    hash_address(input.local, local);
    hash_address(input.remote, remote);
    input.local_port = local_port;
    input.remote_port = remote_port;
    crypto_hash_sha256(hash, (const uint8_t *)&input, sizeof(input));
    memcpy(&place, hash, sizeof(place));
    return place + (u32_t)(sw_clock_monotonic() / (4 * SW_MICROSECOND));
}
