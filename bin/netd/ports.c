/* See ports.h. */
#include "ports.h"
#include <string.h>

#define CYCLE 65535u

static uint16_t last[PORT_COUNT]; /* second it was last in use, modulo CYCLE, and one; 0: never */

void ports_open(void)
{
    memset(last, 0, sizeof(last));
}

void port_note(uint16_t port, uint32_t now)
{
    if (port >= PORT_FIRST)
        last[port - PORT_FIRST] = (uint16_t)(now % CYCLE + 1);
}

uint32_t port_rest(uint16_t port, uint32_t now)
{
    uint32_t noted = port >= PORT_FIRST ? last[port - PORT_FIRST] : 0;
    uint32_t rest = noted ? (now % CYCLE + CYCLE + 1 - noted) % CYCLE : PORT_REST;

    return rest < PORT_REST ? rest : PORT_REST;
}
