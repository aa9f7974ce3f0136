/* Device objects: register access, interrupt, DMA pins of one node of the device tree.
 *
 * A claim makes a process the driver until it ends, releases or dies; each claim has its own
 * generation. Only the claimant touches registers. The interrupt is masked unless the claimant has
 * acknowledged everything: it is masked when a claim starts and ends and whenever it arrives.
 * Pins outlive claims, because the hardware may still write to them: the successor, having reset
 * the hardware, drops them (device_reset). All under the big lock. */
#include "device.h"
#include "log.h"
#include "machine.h"
#include "process.h"
#include "syscall_handlers.h"

#define VIRTIO_MAGIC 0x74726976u
#define PIN_BATCH 64

struct device *devices[64];
uint32_t device_count;

static uint8_t by_interrupt[1020]; /* index + 1 */
static struct slab pin_slab = { .name = "pin", .size = sizeof(struct device_pin) };

static uint64_t device_level(struct object *object)
{
    return ((const struct device *)object)->interrupt_pending;
}

/* devices[] holds a reference, so there is nothing to destroy. */
const struct object_class class_device = {
    .name = "device",
    .size = sizeof(struct device),
    .level = device_level,
    .all_rights = SW_RIGHT_READ | SW_RIGHT_WRITE | SW_RIGHT_MAP | SW_RIGHT_DUPLICATE |
                  SW_RIGHT_TRANSFER | SW_RIGHT_INSPECT | SW_RIGHT_MANAGE | SW_RIGHT_BIND |
                  SW_RIGHT_CLAIM | SW_RIGHT_DMA,
};

void device_init(void)
{
    list_init(&pin_slab.partial);
    for (uint32_t i = 0; i < machine.device_count && i < ARRAY_COUNT(devices); i++) {
        const struct machine_device *found = &machine.devices[i];
        struct device *device;
        if (object_create(SW_TYPE_DEVICE, job_root, (void **)&device) != SW_OK)
            panic("no memory for device %s", found->name);
        list_init(&device->claim_link);
        list_init(&device->pins);
        device->kind = found->kind;
        device->index = i;
        device->address = found->address;
        device->length = found->length;
        device->registers = arch_device_map(found->address, found->length);
        device->early_console = found->kind == SW_DEVICE_UART && found->address == machine.uart;
        memcpy(device->name, found->name, sizeof device->name);
        if (found->interrupt) {
            device->interrupt = found->interrupt;
            by_interrupt[found->interrupt] = (uint8_t)(i + 1);
            arch_interrupt_configure(found->interrupt, found->edge);
        }
        devices[i] = device;
        device_count = i + 1;
    }
}

void device_interrupt(uint32_t number)
{
    random_note(arch_now());
    if (number >= ARRAY_COUNT(by_interrupt) || by_interrupt[number] == 0)
        return; /* stays masked: nobody can handle it */
    struct device *device = devices[by_interrupt[number] - 1];
    if (!device->holder)
        return;
    device->interrupt_pending = true;
    object_signal(&device->object);
}

static void claim_end(struct device *device)
{
    if (!device->holder)
        return;
    if (device->interrupt)
        arch_interrupt_mask(device->interrupt);
    device->interrupt_pending = false;
    device->holder = NULL;
    list_remove(&device->claim_link);
    object_signal(&device->object);
    if (device->early_console) {
        early_console_reset();
        early_console_active = true;
    }
}

void device_process_gone(struct process *process)
{
    while (!list_empty(&process->claimed))
        claim_end(list_first(&process->claimed, struct device, claim_link));
}

status_t sys_device_info(struct thread *thread, struct device *device, uint32_t device_rights,
                         vaddr_t info)
{
    (void)thread, (void)device_rights;
    struct sw_device_info out = {
        .kind = device->kind,
        .generation = device->generation,
        .address = device->address,
        .length = device->length,
        .interrupt = device->interrupt,
        .claimed = device->holder ? device->holder->pid : 0,
    };
    list_for_each (at, &device->pins)
        out.pins++;
    if (device->interrupt && arch_interrupt_is_masked(device->interrupt))
        out.flags |= SW_DEVICE_MASKED;
    if (device->interrupt_pending)
        out.flags |= SW_DEVICE_PENDING;
    if (device->kind == SW_DEVICE_VIRTIO_MMIO && device->registers &&
        arch_register_read(device->registers, 4) == VIRTIO_MAGIC) {
        out.virtio_version = (uint32_t)arch_register_read(device->registers + 4, 4);
        out.virtio_id = (uint32_t)arch_register_read(device->registers + 8, 4);
    }
    memcpy(out.name, device->name, sizeof out.name);
    return copy_to_user(info, &out, sizeof out);
}

status_t sys_device_claim(struct thread *thread, struct device *device, uint32_t device_rights)
{
    (void)device_rights;
    if (device->holder)
        return SW_BUSY;
    if (device->interrupt)
        arch_interrupt_mask(device->interrupt);
    device->interrupt_pending = false;
    device->holder = thread->process;
    device->generation++;
    list_add_tail(&thread->process->claimed, &device->claim_link);
    if (device->early_console)
        early_console_active = false;
    return SW_OK;
}

status_t sys_device_release(struct thread *thread, struct device *device, uint32_t device_rights)
{
    (void)thread, (void)device_rights;
    claim_end(device);
    return SW_OK;
}

/* The register, or why not: only naturally aligned accesses inside the device. */
static status_t register_at(const struct thread *thread, const struct device *device,
                            uint32_t offset, uint32_t width, volatile uint8_t **out_register)
{
    if (device->holder != thread->process || !device->registers)
        return SW_BAD_STATE;
    if ((width != 1 && width != 2 && width != 4 && width != 8) || offset % width)
        return SW_INVALID;
    if (offset >= device->length || device->length - offset < width)
        return SW_OUT_OF_RANGE;
    *out_register = device->registers + offset;
    return SW_OK;
}

status_t sys_device_read(struct thread *thread, struct device *device, uint32_t device_rights,
                         uint32_t offset, uint32_t width, uint64_t *out_value)
{
    (void)device_rights;
    volatile uint8_t *at;
    status_t status = register_at(thread, device, offset, width, &at);
    if (status == SW_OK)
        *out_value = arch_register_read(at, width);
    return status;
}

/* The store is tried first, so that it does not fail once the device has given something away; in
 * between the lock is held and nobody takes the page. */
status_t sys_device_take(struct thread *thread, struct device *device, uint32_t device_rights,
                         uint32_t offset, uint32_t width, vaddr_t taken)
{
    (void)device_rights;
    volatile uint8_t *at;
    struct sw_device_taken out = { .taken = 0 };
    status_t status = register_at(thread, device, offset, width, &at);
    if (status == SW_OK)
        status = copy_to_user(taken, &out, sizeof out);
    if (status != SW_OK)
        return status;
    out.value = arch_register_read(at, width);
    out.taken = 1;
    return copy_to_user(taken, &out, sizeof out);
}

status_t sys_device_write(struct thread *thread, struct device *device, uint32_t device_rights,
                          uint32_t offset, uint32_t width, uint64_t value)
{
    (void)device_rights;
    volatile uint8_t *at;
    status_t status = register_at(thread, device, offset, width, &at);
    if (status == SW_OK)
        arch_register_write(at, width, value);
    return status;
}

status_t sys_device_put(struct thread *thread, struct device *device, uint32_t device_rights,
                        uint32_t offset, uint32_t width, uint64_t value, vaddr_t note,
                        uint64_t noted)
{
    (void)device_rights;
    volatile uint8_t *at;
    status_t status = register_at(thread, device, offset, width, &at);
    if (status == SW_OK && note % sizeof noted)
        status = SW_INVALID;
    if (status == SW_OK)
        status = copy_to_user(note, &noted, sizeof noted);
    if (status == SW_OK)
        arch_register_write(at, width, value);
    return status;
}

status_t sys_device_ack(struct thread *thread, struct device *device, uint32_t device_rights)
{
    (void)device_rights;
    if (device->holder != thread->process || !device->interrupt)
        return SW_BAD_STATE;
    device->interrupt_pending = false;
    object_signal(&device->object);
    arch_interrupt_unmask(device->interrupt);
    return SW_OK;
}

/* --- DMA --- */

static void pin_drop(struct device_pin *pin)
{
    pin->memory->pins--;
    list_remove(&pin->link);
    object_put(&pin->memory->object);
    job_uncharge(pin->payer, CHARGE_MEMORY, slab_slot_size(&pin_slab));
    object_put(&pin->payer->object);
    slab_free(&pin_slab, pin);
}

/* The device can write what it is told about, so the caller must be allowed to. */
status_t sys_device_pin(struct thread *thread, struct device *device, uint32_t device_rights,
                        struct memory *memory, uint32_t memory_rights, uint64_t offset,
                        uint64_t size, vaddr_t addresses)
{
    (void)device_rights;
    struct job *job = thread->process->job;
    if (device->holder != thread->process)
        return SW_BAD_STATE;
    if (memory->sealed)
        return SW_BAD_STATE;
    if (!(memory_rights & SW_RIGHT_WRITE))
        return SW_ACCESS;
    if (size > SW_PIN_MAX)
        return SW_TOO_LARGE;
    uint64_t first = offset / PAGE_SIZE, count = size / PAGE_SIZE;
    if (offset % PAGE_SIZE || size % PAGE_SIZE || count == 0 || first > memory->pages ||
        count > memory->pages - first)
        return SW_OUT_OF_RANGE;

    status_t status = job_charge(job, CHARGE_MEMORY, slab_slot_size(&pin_slab));
    if (status != SW_OK)
        return status;
    struct device_pin *pin = slab_allocate(&pin_slab, job);
    if (!pin) {
        status = SW_NO_MEMORY;
        goto fail_charge;
    }
    for (uint64_t done = 0; done < count;) {
        uint64_t batch[PIN_BATCH];
        uint32_t filled = 0;
        for (; filled < PIN_BATCH && done + filled < count; filled++) {
            status = memory_page(memory, first + done + filled, true, &batch[filled]);
            if (status != SW_OK)
                goto fail_pin;
        }
        status = copy_to_user(addresses + done * sizeof batch[0], batch, filled * sizeof batch[0]);
        if (status != SW_OK)
            goto fail_pin;
        done += filled;
    }
    object_get(&memory->object);
    object_get(&job->object);
    pin->memory = memory;
    pin->payer = job;
    pin->generation = device->generation;
    memory->pins++;
    list_add_tail(&device->pins, &pin->link);
    return SW_OK;

fail_pin:
    slab_free(&pin_slab, pin);
fail_charge:
    job_uncharge(job, CHARGE_MEMORY, slab_slot_size(&pin_slab));
    return status;
}

status_t sys_device_unpin(struct thread *thread, struct device *device, uint32_t device_rights,
                          struct memory *memory, uint32_t memory_rights)
{
    (void)device_rights, (void)memory_rights;
    if (device->holder != thread->process)
        return SW_BAD_STATE;
    list_for_each (at, &device->pins) {
        struct device_pin *pin = CONTAINER(at, struct device_pin, link);
        if (pin->memory == memory && pin->generation == device->generation) {
            pin_drop(pin);
            return SW_OK;
        }
    }
    return SW_NOT_FOUND;
}

status_t sys_device_reset(struct thread *thread, struct device *device, uint32_t device_rights)
{
    bool manager = device_rights & SW_RIGHT_MANAGE;
    if (device->holder != thread->process && !manager)
        return SW_BAD_STATE;
    list_for_each_safe (at, after, &device->pins) {
        struct device_pin *pin = CONTAINER(at, struct device_pin, link);
        if (manager || pin->generation != device->generation)
            pin_drop(pin);
    }
    return SW_OK;
}
