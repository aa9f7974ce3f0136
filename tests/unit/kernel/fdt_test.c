/* The kernel's reading of device trees: a whole one, odd ones, damaged ones. */
#include "machine.h"
#include "tap.h"
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

static char tree[16384];

#define OK(call) CHECK((call) == 0)

static void property_cells(const char *name, const uint32_t *cells, int count)
{
    fdt32_t swapped[16];
    for (int i = 0; i < count; i++)
        swapped[i] = cpu_to_fdt32(cells[i]);
    OK(fdt_property(tree, name, swapped, count * 4));
}
#define CELLS(name, ...)                                                                           \
    property_cells(name, (const uint32_t[]){ __VA_ARGS__ },                                        \
                   (int)(sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4))

static void device(const char *name, const char *compatible, uint32_t address, uint32_t length,
                   uint32_t interrupt, uint32_t flags)
{
    OK(fdt_begin_node(tree, name));
    OK(fdt_property_string(tree, "compatible", compatible));
    CELLS("reg", 0, address, 0, length);
    CELLS("interrupts", 0, interrupt, flags);
    OK(fdt_end_node(tree));
}

/* The order of things is that of the tree QEMU makes; `with_gic` false leaves the GIC out. */
static void make_tree(bool with_gic)
{
    static const char seed[32] = "0123456789abcdef0123456789abcdef";
    OK(fdt_create(tree, sizeof tree));
    OK(fdt_add_reservemap_entry(tree, 0x48000000, 0x1000));
    OK(fdt_finish_reservemap(tree));
    OK(fdt_begin_node(tree, ""));
    CELLS("#address-cells", 2);
    CELLS("#size-cells", 2);

    OK(fdt_begin_node(tree, "psci"));
    OK(fdt_property_string(tree, "method", "hvc"));
    OK(fdt_property(tree, "compatible", "arm,psci-1.0\0arm,psci-0.2", 26));
    OK(fdt_end_node(tree));
    OK(fdt_begin_node(tree, "memory@40000000"));
    CELLS("reg", 0, 0x40000000, 0, 0x10000000, 1, 0, 0, 0x4000000);
    OK(fdt_property_string(tree, "device_type", "memory"));
    OK(fdt_end_node(tree));
    device("virtio_mmio@a000000", "virtio,mmio", 0xa000000, 0x200, 16, 1);
    device("virtio_mmio@a000200", "virtio,mmio", 0xa000200, 0x200, 17, 1);
    OK(fdt_begin_node(tree, "virtio_mmio@a000400"));
    OK(fdt_property_string(tree, "compatible", "virtio,mmio"));
    OK(fdt_property_string(tree, "status", "disabled"));
    CELLS("reg", 0, 0xa000400, 0, 0x200);
    OK(fdt_end_node(tree));
    device("pl031@9010000", "arm,pl031", 0x9010000, 0x1000, 2, 4);
    device("pl011@9000000", "arm,pl011", 0x9000000, 0x1000, 1, 4);
    device("pl011@9040000", "arm,pl011", 0x9040000, 0x1000, 8, 4);
    if (with_gic) {
        OK(fdt_begin_node(tree, "intc@8000000"));
        OK(fdt_property_string(tree, "compatible", "arm,cortex-a15-gic"));
        CELLS("reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
        OK(fdt_end_node(tree));
    }
    OK(fdt_begin_node(tree, "cpus"));
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 0);
    for (uint32_t i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "cpu@%u", i);
        OK(fdt_begin_node(tree, name));
        CELLS("reg", i);
        OK(fdt_property_string(tree, "device_type", "cpu"));
        OK(fdt_end_node(tree));
    }
    OK(fdt_end_node(tree));
    OK(fdt_begin_node(tree, "timer"));
    CELLS("interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
    OK(fdt_property(tree, "compatible", "arm,armv8-timer\0arm,armv7-timer", 32));
    OK(fdt_end_node(tree));
    OK(fdt_begin_node(tree, "reserved-memory"));
    CELLS("#address-cells", 1);
    CELLS("#size-cells", 1);
    OK(fdt_begin_node(tree, "keep@4a000000"));
    CELLS("reg", 0x4a000000, 0x2000);
    OK(fdt_end_node(tree));
    OK(fdt_end_node(tree));
    OK(fdt_begin_node(tree, "chosen"));
    OK(fdt_property_string(tree, "stdout-path", "/pl011@9040000"));
    OK(fdt_property_string(tree, "bootargs", "swos.seed=5 init.x"));
    OK(fdt_property(tree, "rng-seed", seed, 32));
    OK(fdt_property(tree, "kaslr-seed", seed, 8));
    OK(fdt_end_node(tree));
    OK(fdt_end_node(tree));
    OK(fdt_finish(tree));
}

static void test_whole(void)
{
    struct machine found = { 0 };
    make_tree(true);
    CHECK(machine_read(tree, &found) == NULL);
    CHECK(found.ram_count == 2 && found.ram[0].start == 0x40000000 &&
          found.ram[0].end == 0x50000000);
    CHECK(found.ram[1].start == 0x100000000 && found.ram[1].end == 0x104000000);
    CHECK(found.reserved_count == 2 && found.reserved[0].start == 0x4a000000 &&
          found.reserved[1].end == 0x48001000);
    CHECK(found.cpu_count == CPU_MAX && found.cpu_ids[7] == 7);
    CHECK(found.psci_hvc && !found.psci_smc);
    CHECK(found.gic_distributor == 0x8000000 && found.gic_cpu == 0x8010000);
    CHECK(found.timer_interrupt == 27);
    CHECK(found.uart == 0x9040000);
    CHECK(found.device_count == 5);
    CHECK(strcmp(found.devices[1].name, "virtio_mmio@a000200") == 0 &&
          found.devices[1].interrupt == 49 && found.devices[1].edge);
    CHECK(found.devices[2].kind == SW_DEVICE_RTC && found.devices[3].kind == SW_DEVICE_UART);
    CHECK(!found.devices[3].edge && found.devices[3].interrupt == 33);
    CHECK(strcmp(found.arguments, "swos.seed=5 init.x") == 0);
    CHECK(found.seed_length == 40);
    /* Taken and blanked. */
    int length, chosen = fdt_path_offset(tree, "/chosen");
    const char *seed = fdt_getprop(tree, chosen, "rng-seed", &length);
    CHECK(length == 32 && seed[0] == 0 && seed[31] == 0);
}

static void test_missing(void)
{
    struct machine found = { 0 };
    make_tree(false);
    const char *missing = machine_read(tree, &found);
    CHECK(missing && strstr(missing, "GIC"));
    memset(tree, 0, 64);
    missing = machine_read(tree, &found);
    CHECK(missing && strstr(missing, "device tree"));
}

/* Each word of the structure block damaged in turn: no access outside the tree. */
static void test_damaged(void)
{
    make_tree(true);
    uint32_t size = fdt_totalsize(tree), read = 0;
    char *copy = malloc(size);
    for (uint32_t at = 40; at < size; at += 4) {
        struct machine *found = calloc(1, sizeof *found);
        memcpy(copy, tree, size);
        uint32_t word;
        memcpy(&word, copy + at, 4);
        word ^= at % 3 ? 0xffffffff : 0x03000000;
        memcpy(copy + at, &word, 4);
        read += machine_read(copy, found) == NULL;
        free(found);
    }
    free(copy);
    CHECK(read > 0);
}

int main(void)
{
    test_whole();
    test_missing();
    test_damaged();
    return tap_done();
}
