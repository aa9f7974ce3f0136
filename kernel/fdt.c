/* Reads the device tree with libfdt.
 *
 * The tree is believed no further than libfdt checks it; lists are cut at the sizes of struct
 * machine. Only what stands at the root's children, /cpus and /reserved-memory is looked at: all
 * that the machines we run on have. Host-testable. */
#include "machine.h"
#include <libfdt.h>

struct machine machine;

/* Numbers of one or two cells; stops at the end of the property. */
struct cells {
    const fdt32_t *at, *end;
};

static uint64_t cells_take(struct cells *cells, int count)
{
    uint64_t value = 0;
    while (count-- > 0 && cells->at < cells->end)
        value = value << 32 | fdt32_to_cpu(*cells->at++);
    return value;
}

static struct cells cells_of(const void *tree, int node, const char *property)
{
    int length = 0;
    const fdt32_t *at = fdt_getprop(tree, node, property, &length);
    if (!at || length < 0)
        return (struct cells){ NULL, NULL };
    return (struct cells){ at, at + length / 4 };
}

static bool node_is(const void *tree, int node, const char *compatible)
{
    return fdt_node_check_compatible(tree, node, compatible) == 0;
}

static bool text_property(const void *tree, int node, const char *property, const char *value)
{
    int length;
    const char *text = fdt_getprop(tree, node, property, &length);
    return text && length == (int)strlen(value) + 1 && memcmp(text, value, (size_t)length) == 0;
}

/* Disabled hardware is not there. */
static bool node_enabled(const void *tree, int node)
{
    int length;
    return !fdt_getprop(tree, node, "status", &length) ||
           text_property(tree, node, "status", "okay") || text_property(tree, node, "status", "ok");
}

static void range_add(struct memory_range *ranges, uint32_t *count, paddr_t start, uint64_t size)
{
    if (size && start + size > start && *count < MACHINE_RANGES)
        ranges[(*count)++] = (struct memory_range){ start, start + size };
}

static void read_ranges(const void *tree, int node, int parent, struct memory_range *ranges,
                        uint32_t *count)
{
    int address_cells = fdt_address_cells(tree, parent), size_cells = fdt_size_cells(tree, parent);
    struct cells cells = cells_of(tree, node, "reg");
    if (address_cells <= 0 || size_cells <= 0)
        return;
    while (cells.at < cells.end) {
        paddr_t start = cells_take(&cells, address_cells);
        range_add(ranges, count, start, cells_take(&cells, size_cells));
    }
}

static bool read_register(const void *tree, int node, uint32_t index, paddr_t *out_address,
                          uint64_t *out_length)
{
    int address_cells = fdt_address_cells(tree, 0), size_cells = fdt_size_cells(tree, 0);
    struct cells cells = cells_of(tree, node, "reg");
    if (address_cells <= 0 || size_cells <= 0)
        return false;
    do {
        if (cells.at >= cells.end)
            return false;
        *out_address = cells_take(&cells, address_cells);
        *out_length = cells_take(&cells, size_cells);
    } while (index--);
    return true;
}

/* The index-th interrupt in the GIC's binding: type (0 shared, 1 private), number, flags. */
static uint32_t read_interrupt(const void *tree, int node, uint32_t index, bool *out_edge)
{
    struct cells cells = cells_of(tree, node, "interrupts");
    if (cells.end - cells.at < (ptrdiff_t)(index + 1) * 3)
        return 0;
    cells.at += index * 3;
    uint64_t kind = cells_take(&cells, 1), number = cells_take(&cells, 1);
    *out_edge = (cells_take(&cells, 1) & 3) != 0;
    return number < 988 ? (uint32_t)number + (kind == 0 ? 32 : 16) : 0;
}

static void read_device(const void *tree, int node, uint32_t kind, struct machine *out)
{
    if (out->device_count == MACHINE_DEVICES)
        return;
    struct machine_device *device = &out->devices[out->device_count];
    if (!read_register(tree, node, 0, &device->address, &device->length))
        return;
    int length = 0;
    const char *name = fdt_get_name(tree, node, &length);
    if (!name || length < 0)
        return;
    if ((size_t)length >= sizeof device->name)
        length = sizeof device->name - 1;
    memcpy(device->name, name, (size_t)length);
    device->kind = kind;
    device->interrupt = read_interrupt(tree, node, 0, &device->edge);
    out->device_count++;
}

static void read_cpus(const void *tree, int cpus, struct machine *out)
{
    int address_cells = fdt_address_cells(tree, cpus), node;
    fdt_for_each_subnode(node, tree, cpus) {
        if (!text_property(tree, node, "device_type", "cpu") || !node_enabled(tree, node) ||
            out->cpu_count == CPU_MAX)
            continue;
        struct cells cells = cells_of(tree, node, "reg");
        out->cpu_ids[out->cpu_count++] = cells_take(&cells, address_cells);
    }
}

static void read_seed(void *tree, int chosen, const char *property, struct machine *out)
{
    int length = 0;
    const uint8_t *seed = fdt_getprop(tree, chosen, property, &length);
    if (!seed || length <= 0)
        return;
    uint32_t room = sizeof out->seed - out->seed_length;
    uint32_t taken = (uint32_t)length < room ? (uint32_t)length : room;
    memcpy(out->seed + out->seed_length, seed, taken);
    out->seed_length += taken;
    /* Nobody else is to find it: the tree's memory becomes free RAM later. */
    memset((void *)(uintptr_t)seed, 0, (size_t)length);
}

static void read_chosen(void *tree, int chosen, struct machine *out)
{
    int length = 0;
    const char *arguments = fdt_getprop(tree, chosen, "bootargs", &length);
    if (arguments && length > 0) {
        if ((size_t)length > sizeof out->arguments)
            length = sizeof out->arguments;
        memcpy(out->arguments, arguments, (size_t)length);
        out->arguments[length - 1] = 0;
    }
    read_seed(tree, chosen, "rng-seed", out);
    read_seed(tree, chosen, "kaslr-seed", out);
}

static void read_node(void *tree, int node, struct machine *out)
{
    uint64_t length;
    bool edge;
    if (!node_enabled(tree, node))
        return;
    if (text_property(tree, node, "device_type", "memory"))
        read_ranges(tree, node, 0, out->ram, &out->ram_count);
    else if (node_is(tree, node, "virtio,mmio"))
        read_device(tree, node, SW_DEVICE_VIRTIO_MMIO, out);
    else if (node_is(tree, node, "arm,pl011"))
        read_device(tree, node, SW_DEVICE_UART, out);
    else if (node_is(tree, node, "arm,pl031"))
        read_device(tree, node, SW_DEVICE_RTC, out);
    else if (node_is(tree, node, "arm,cortex-a15-gic") || node_is(tree, node, "arm,gic-400")) {
        read_register(tree, node, 0, &out->gic_distributor, &length);
        read_register(tree, node, 1, &out->gic_cpu, &length);
    } else if (node_is(tree, node, "arm,armv8-timer") || node_is(tree, node, "arm,armv7-timer"))
        out->timer_interrupt = read_interrupt(tree, node, 2, &edge); /* secure, EL1, virtual, EL2 */
    else if (node_is(tree, node, "arm,psci-1.0") || node_is(tree, node, "arm,psci-0.2")) {
        out->psci_hvc = text_property(tree, node, "method", "hvc");
        out->psci_smc = text_property(tree, node, "method", "smc");
    }
}

/* The console is /chosen/stdout-path if it names a UART we know, else the first UART. */
static void choose_console(const void *tree, int chosen, struct machine *out)
{
    int length = 0;
    const char *path = chosen >= 0 ? fdt_getprop(tree, chosen, "stdout-path", &length) : NULL;
    for (uint32_t i = 0; i < out->device_count; i++) {
        const struct machine_device *device = &out->devices[i];
        if (device->kind != SW_DEVICE_UART)
            continue;
        bool named = path && path[0] == '/' && strlen(device->name) + 2 == (size_t)length &&
                     memcmp(path + 1, device->name, strlen(device->name)) == 0;
        if (!out->uart || named)
            out->uart = device->address;
    }
}

const char *machine_read(void *tree, struct machine *out)
{
    int node;
    if (fdt_check_header(tree) != 0)
        return "no valid device tree";
    fdt_for_each_subnode(node, tree, 0)
        read_node(tree, node, out);
    int cpus = fdt_path_offset(tree, "/cpus");
    if (cpus >= 0)
        read_cpus(tree, cpus, out);
    int chosen = fdt_path_offset(tree, "/chosen");
    if (chosen >= 0)
        read_chosen(tree, chosen, out);
    choose_console(tree, chosen, out);
    for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
        uint64_t start, size;
        if (fdt_get_mem_rsv(tree, i, &start, &size) == 0)
            range_add(out->reserved, &out->reserved_count, start, size);
    }
    int reserved = fdt_path_offset(tree, "/reserved-memory");
    if (reserved >= 0)
        fdt_for_each_subnode(node, tree, reserved)
            read_ranges(tree, node, reserved, out->reserved, &out->reserved_count);
    if (out->ram_count == 0)
        return "no memory in the device tree";
    if (!out->gic_distributor || !out->gic_cpu)
        return "no GICv2 in the device tree";
    if (!out->timer_interrupt)
        return "no timer in the device tree";
    return NULL;
}
