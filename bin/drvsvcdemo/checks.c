/* See checks.h. */
#include "checks.h"
#include <stdio.h>
#include <stdlib.h>
#include <swos/status.h>

#define METADATA_RIGHTS (SW_RIGHT_INSPECT | SW_RIGHT_TRANSFER)

void expect(status_t got, status_t wanted, const char *what)
{
    if (got == wanted)
        return;
    printf("drvsvc: FAILED: %s: %s, not %s\n", what, sw_status_name(got), sw_status_name(wanted));
    exit(EXIT_FAILURE);
}

void require(int holds, const char *what)
{
    if (holds)
        return;
    printf("drvsvc: FAILED: %s\n", what);
    exit(EXIT_FAILURE);
}

void authority_is_withheld(handle_t device)
{
    handle_t port, memory;
    uint64_t value, address;

    expect(sw_port_create(&port), SW_OK, "port");
    expect(sw_memory_create(SW_PAGE, 0, &memory), SW_OK, "memory");
    expect(sw_device_claim(device), SW_ACCESS, "claim by metadata");
    expect(sw_device_read(device, 0, 4, &value), SW_ACCESS, "MMIO read by metadata");
    expect(sw_device_write(device, 0, 4, 0), SW_ACCESS, "MMIO write by metadata");
    expect(sw_memory_map(device, 0, 0, SW_PAGE, SW_MAP_READ, &address), SW_WRONG_TYPE,
           "MMIO mapping by metadata");
    expect(sw_port_bind(port, device, UINT64_MAX, 0), SW_ACCESS, "IRQ by metadata");
    expect(sw_device_ack(device), SW_ACCESS, "IRQ unmasking by metadata");
    expect(sw_device_pin(device, memory, 0, SW_PAGE, &address), SW_ACCESS, "DMA by metadata");
    expect(sw_device_release(device), SW_ACCESS, "revoking by metadata");
    sw_handle_close(memory);
    sw_handle_close(port);
}

void rights_are_metadata_only(handle_t device)
{
    uint32_t type, rights;
    uint64_t id;
    handle_t copy;

    expect(sw_handle_info(device, &type, &rights, &id), SW_OK, "rights");
    require(type == SW_TYPE_DEVICE && rights == METADATA_RIGHTS, "rights are getattr and transfer");
    expect(sw_handle_duplicate(device, SW_RIGHTS_SAME, &copy), SW_ACCESS, "duplicate");
    expect(sw_handle_duplicate(device, METADATA_RIGHTS | SW_RIGHT_CLAIM, &copy), SW_ACCESS,
           "duplicate with more rights");
}
