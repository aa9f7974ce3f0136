/* Reads the device tree with libfdt.
 *
 * The tree is believed no further than libfdt checks it; lists are cut at the sizes of struct
 * machine. Only the root's children, /cpus, /reserved-memory and /chosen are looked at: all that
 * the machines we run on have. Host-testable. */
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

struct text {
    const char *at;
    int length; /* with the NUL; 0: absent */
};

/* The properties of a node we may want, found in one pass: each lookup by name would walk them all
 * again, and the tree is read at every boot. */
struct node {
    struct text compatible, device_type, status, method;
    struct cells reg, interrupts;
};

static bool text_is(struct text text, const char *value)
{
    return text.length == (int)strlen(value) + 1 &&
           memcmp(text.at, value, (size_t)text.length) == 0;
}

static struct node node_read(const void *tree, int offset)
{
    struct node node = { 0 };
    int property;
    fdt_for_each_property_offset(property, tree, offset)
    {
        const char *name;
        int length;
        const void *value = fdt_getprop_by_offset(tree, property, &name, &length);
        if (!value)
            continue;
        struct text text = { value, length };
        struct cells cells = { value, (const fdt32_t *)value + length / 4 };
        struct text key = { name, (int)strlen(name) + 1 };
        if (text_is(key, "compatible"))
            node.compatible = text;
        else if (text_is(key, "reg"))
            node.reg = cells;
        else if (text_is(key, "interrupts"))
            node.interrupts = cells;
        else if (text_is(key, "device_type"))
            node.device_type = text;
        else if (text_is(key, "status"))
            node.status = text;
        else if (text_is(key, "method"))
            node.method = text;
    }
    return node;
}

static bool node_is(const struct node *node, const char *compatible)
{
    return node->compatible.length > 0 &&
           fdt_stringlist_contains(node->compatible.at, node->compatible.length, compatible);
}

/* Disabled hardware is not there. */
static bool node_enabled(const struct node *node)
{
    return node->status.length == 0 || text_is(node->status, "okay") || text_is(node->status, "ok");
}

/* How many cells addresses and sizes of a node's children take. */
struct widths {
    int address, size;
};

static struct widths widths_of(const void *tree, int parent)
{
    return (struct widths){ fdt_address_cells(tree, parent), fdt_size_cells(tree, parent) };
}

static void range_add(struct memory_range *ranges, uint32_t *count, paddr_t start, uint64_t size)
{
    if (size && start + size > start && *count < MACHINE_RANGES)
        ranges[(*count)++] = (struct memory_range){ start, start + size };
}

static void read_ranges(const struct node *node, struct widths widths, struct memory_range *ranges,
                        uint32_t *count)
{
    struct cells cells = node->reg;
    if (widths.address <= 0 || widths.size <= 0)
        return;
    while (cells.at < cells.end) {
        paddr_t start = cells_take(&cells, widths.address);
        range_add(ranges, count, start, cells_take(&cells, widths.size));
    }
}

/* The index-th address and length; false: there are not so many. */
static bool read_register(const struct node *node, struct widths widths, uint32_t index,
                          paddr_t *out_address, uint64_t *out_length)
{
    struct cells cells = node->reg;
    if (widths.address <= 0 || widths.size <= 0)
        return false;
    do {
        if (cells.at >= cells.end)
            return false;
        *out_address = cells_take(&cells, widths.address);
        *out_length = cells_take(&cells, widths.size);
    } while (index--);
    return true;
}

/* The index-th interrupt in the GIC's binding: type (0 shared, 1 private), number, flags. */
static uint32_t read_interrupt(const struct node *node, uint32_t index, bool *out_edge)
{
    struct cells cells = node->interrupts;
    if (cells.end - cells.at < (ptrdiff_t)(index + 1) * 3)
        return 0;
    cells.at += index * 3;
    uint64_t kind = cells_take(&cells, 1), number = cells_take(&cells, 1);
    *out_edge = (cells_take(&cells, 1) & 3) != 0;
    return number < 988 ? (uint32_t)number + (kind == 0 ? 32 : 16) : 0;
}

static void read_device(const void *tree, int offset, const struct node *node, struct widths widths,
                        uint32_t kind, struct machine *out)
{
    if (out->device_count == MACHINE_DEVICES)
        return;
    struct machine_device *device = &out->devices[out->device_count];
    if (!read_register(node, widths, 0, &device->address, &device->length))
        return;
    int length = 0;
    const char *name = fdt_get_name(tree, offset, &length);
    if (!name || length < 0)
        return;
    if ((size_t)length >= sizeof device->name)
        length = sizeof device->name - 1;
    memcpy(device->name, name, (size_t)length);
    device->kind = kind;
    device->interrupt = read_interrupt(node, 0, &device->edge);
    out->device_count++;
}

static void read_cpus(const void *tree, int cpus, struct machine *out)
{
    struct widths widths = widths_of(tree, cpus);
    int offset;
    fdt_for_each_subnode(offset, tree, cpus)
    {
        struct node node = node_read(tree, offset);
        if (text_is(node.device_type, "cpu") && node_enabled(&node) && out->cpu_count < CPU_MAX)
            out->cpu_ids[out->cpu_count++] = cells_take(&node.reg, widths.address);
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

static void read_node(const void *tree, int offset, struct widths widths, struct machine *out)
{
    struct node node = node_read(tree, offset);
    uint64_t length;
    bool edge;
    if (!node_enabled(&node))
        return;
    if (text_is(node.device_type, "memory"))
        read_ranges(&node, widths, out->ram, &out->ram_count);
    else if (node_is(&node, "virtio,mmio"))
        read_device(tree, offset, &node, widths, SW_DEVICE_VIRTIO_MMIO, out);
    else if (node_is(&node, "arm,pl011"))
        read_device(tree, offset, &node, widths, SW_DEVICE_UART, out);
    else if (node_is(&node, "arm,pl031"))
        read_device(tree, offset, &node, widths, SW_DEVICE_RTC, out);
    else if (node_is(&node, "arm,cortex-a15-gic") || node_is(&node, "arm,gic-400")) {
        read_register(&node, widths, 0, &out->gic_distributor, &length);
        read_register(&node, widths, 1, &out->gic_cpu, &length);
    } else if (node_is(&node, "arm,armv8-timer") || node_is(&node, "arm,armv7-timer"))
        out->timer_interrupt = read_interrupt(&node, 2, &edge); /* secure, EL1, virtual, EL2 */
    else if (node_is(&node, "arm,psci-1.0") || node_is(&node, "arm,psci-0.2")) {
        out->psci_hvc = text_is(node.method, "hvc");
        out->psci_smc = text_is(node.method, "smc");
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

static void read_reserved(const void *tree, int reserved, struct machine *out)
{
    struct widths widths = widths_of(tree, reserved);
    int offset;
    fdt_for_each_subnode(offset, tree, reserved)
    {
        struct node node = node_read(tree, offset);
        read_ranges(&node, widths, out->reserved, &out->reserved_count);
    }
}

const char *machine_read(void *tree, struct machine *out_machine)
{
    struct widths widths;
    int offset;
    if (fdt_check_header(tree) != 0)
        return "no valid device tree";
    widths = widths_of(tree, 0);
    int chosen = -1;
    fdt_for_each_subnode(offset, tree, 0)
    {
        int length = 0;
        const char *at = fdt_get_name(tree, offset, &length);
        struct text name = { at, at ? length + 1 : 0 };
        if (text_is(name, "cpus"))
            read_cpus(tree, offset, out_machine);
        else if (text_is(name, "reserved-memory"))
            read_reserved(tree, offset, out_machine);
        else if (text_is(name, "chosen"))
            chosen = offset;
        else
            read_node(tree, offset, widths, out_machine);
    }
    if (chosen >= 0)
        read_chosen(tree, chosen, out_machine);
    choose_console(tree, chosen, out_machine);
    for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
        uint64_t start, size;
        if (fdt_get_mem_rsv(tree, i, &start, &size) == 0)
            range_add(out_machine->reserved, &out_machine->reserved_count, start, size);
    }
    if (out_machine->ram_count == 0)
        return "no memory in the device tree";
    if (!out_machine->gic_distributor || !out_machine->gic_cpu)
        return "no GICv2 in the device tree";
    if (!out_machine->timer_interrupt)
        return "no timer in the device tree";
    return NULL;
}
