/* Ports of netd's choice: each rests for a minute after it was in use, and none else. */
#include "ports.h"
#include "tap.h"

static uint32_t resting(uint32_t now)
{
    uint32_t count = 0;

    for (uint32_t port = 0; port < 65536; port++)
        count += port_rest((uint16_t)port, now) < PORT_REST;
    return count;
}

int main(void)
{
    CHECK(resting(0) == 0 && resting(1000) == 0);
    port_note(49152, 0);
    port_note(65535, 10);
    port_note(8080, 10); /* nobody's to choose */
    port_note(0, 10);
    CHECK(port_rest(49152, 0) == 0 && port_rest(49152, 59) == 59 && port_rest(49152, 60) == 60);
    CHECK(port_rest(49153, 0) == PORT_REST && port_rest(65534, 10) == PORT_REST);
    CHECK(resting(10) == 2 && resting(60) == 1 && resting(70) == 0 && resting(4000000000u) == 0);
    CHECK(resting(65535 + 10) == 2 && resting(65535 + 70) == 0); /* as ports.h says */
    port_note(49152, 65534);
    CHECK(port_rest(49152, 65534) == 0 && port_rest(49152, 65564) == 30);
    port_note(49152, 100); /* again */
    CHECK(port_rest(49152, 130) == 30 && resting(130) == 1 && resting(160) == 0);
    return tap_done();
}
