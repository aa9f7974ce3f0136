/* Where netd takes part in lwIP's work; included where lwIP calls it. */
#pragma once
#include "lwip/ip_addr.h"

/* RFC 6528: a hash of the connection's ends under a secret, moved on by the clock. */
u32_t lwip_port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                    u16_t remote_port);
#define LWIP_HOOK_TCP_ISN lwip_port_isn
