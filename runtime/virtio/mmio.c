/* virtio-mmio transport, version 2. See swos/virtio.h. */
#include <stdatomic.h>
#include <string.h>
#include <swos/virtio.h>

enum {
    MAGIC_VALUE = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_NUMBER_MAX = 0x034,
    QUEUE_NUMBER = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACKNOWLEDGE = 0x064,
    STATUS = 0x070,
    QUEUE_DESCRIPTORS = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100,
};

enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_FAILED = 128
};

#define MAGIC 0x74726976 /* "virt" */
#define RESET_TRIES 100000
#define CONFIG_TRIES 100

static uint32_t register_read(struct virtio_device *device, uint32_t offset)
{
    uint64_t value = 0;

    return sw_device_read(device->handle, offset, 4, &value) == SW_OK ? (uint32_t)value : 0;
}

static void register_write(struct virtio_device *device, uint32_t offset, uint32_t value)
{
    sw_device_write(device->handle, offset, 4, value);
}

static void address_write(struct virtio_device *device, uint32_t offset, uint64_t address)
{
    register_write(device, offset, (uint32_t)address);
    register_write(device, offset + 4, (uint32_t)(address >> 32));
}

static uint64_t features_offered(struct virtio_device *device)
{
    uint64_t low;

    register_write(device, DEVICE_FEATURES_SELECT, 0);
    low = register_read(device, DEVICE_FEATURES);
    register_write(device, DEVICE_FEATURES_SELECT, 1);
    return low | (uint64_t)register_read(device, DEVICE_FEATURES) << 32;
}

static status_t device_failed(struct virtio_device *device, status_t status)
{
    register_write(device, STATUS, STATUS_FAILED);
    return status;
}

status_t virtio_reset(struct virtio_device *device)
{
    register_write(device, STATUS, 0);
    for (int tries = 0; tries < RESET_TRIES; tries++) {
        if (register_read(device, STATUS) == 0) {
            return SW_OK;
        }
    }
    return SW_IO;
}

status_t virtio_claim(struct virtio_device *device, handle_t handle, uint32_t device_id)
{
    struct sw_device_info info;
    status_t status = sw_device_info(handle, &info);

    if (status != SW_OK) {
        return status;
    }
    if (info.kind != SW_DEVICE_VIRTIO_MMIO || info.virtio_id != device_id) {
        return SW_NOT_FOUND;
    }
    if (info.virtio_version != 2) {
        return SW_VERSION;
    }
    *device = (struct virtio_device){ .handle = handle };
    if ((status = sw_device_claim(handle)) != SW_OK) {
        return status;
    }
    if (register_read(device, MAGIC_VALUE) != MAGIC || register_read(device, VERSION) != 2 ||
        register_read(device, DEVICE_ID) != device_id) {
        return SW_IO;
    }
    return SW_OK;
}

status_t virtio_negotiate(struct virtio_device *device, uint64_t required, uint64_t optional)
{
    uint64_t offered;
    status_t status;

    /* Reset first: an earlier driver may have died with requests under way. Only then may the
     * memory it had pinned be used again. */
    if ((status = virtio_reset(device)) != SW_OK ||
        (status = sw_device_reset(device->handle)) != SW_OK) {
        return status;
    }
    register_write(device, STATUS, STATUS_ACKNOWLEDGE);
    register_write(device, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    required |= VIRTIO_F_VERSION_1;
    offered = features_offered(device);
    if ((offered & required) != required) {
        return device_failed(device, SW_NOT_SUPPORTED);
    }
    device->features = offered & (required | optional);
    register_write(device, DRIVER_FEATURES_SELECT, 0);
    register_write(device, DRIVER_FEATURES, (uint32_t)device->features);
    register_write(device, DRIVER_FEATURES_SELECT, 1);
    register_write(device, DRIVER_FEATURES, (uint32_t)(device->features >> 32));
    register_write(device, STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    if (!(register_read(device, STATUS) & STATUS_FEATURES_OK)) {
        return device_failed(device, SW_NOT_SUPPORTED);
    }
    return SW_OK;
}

status_t virtio_open(struct virtio_device *device, handle_t handle, uint32_t device_id,
                     uint64_t required, uint64_t optional)
{
    status_t status = virtio_claim(device, handle, device_id);

    return status == SW_OK ? virtio_negotiate(device, required, optional) : status;
}

bool virtio_resume(struct virtio_device *device, uint16_t index, uint64_t features)
{
    register_write(device, QUEUE_SELECT, index);
    if (register_read(device, STATUS) !=
            (STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK) ||
        register_read(device, QUEUE_READY) == 0) {
        return false;
    }
    device->features = features;
    /* The dead driver may have offered buffers and not come to say so. */
    register_write(device, QUEUE_NOTIFY, index);
    return true;
}

uint16_t virtio_queue_limit(struct virtio_device *device, uint16_t index)
{
    uint32_t limit;

    register_write(device, QUEUE_SELECT, index);
    limit = register_read(device, QUEUE_NUMBER_MAX);
    return limit > 0x8000 ? 0x8000 : (uint16_t)limit;
}

status_t virtio_queue_start(struct virtio_device *device, uint16_t index,
                            const struct virtqueue *queue, uint64_t bus)
{
    if (virtio_queue_limit(device, index) < queue->size ||
        register_read(device, QUEUE_READY) != 0) {
        return device_failed(device, SW_IO);
    }
    register_write(device, QUEUE_NUMBER, queue->size);
    address_write(device, QUEUE_DESCRIPTORS, bus);
    address_write(device, QUEUE_DRIVER, bus + VIRTQUEUE_AVAILABLE(queue->size));
    address_write(device, QUEUE_DEVICE, bus + VIRTQUEUE_USED(queue->size));
    register_write(device, QUEUE_READY, 1);
    return SW_OK;
}

status_t virtio_start(struct virtio_device *device)
{
    register_write(device, STATUS,
                   STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    return sw_device_ack(device->handle);
}

void virtio_notify(struct virtio_device *device, uint16_t index, struct virtqueue *queue)
{
    if (virtqueue_publish(queue)) {
        register_write(device, QUEUE_NOTIFY, index);
    }
}

uint32_t virtio_acknowledge(struct virtio_device *device)
{
    uint32_t cause = register_read(device, INTERRUPT_STATUS);

    if (cause != 0) {
        register_write(device, INTERRUPT_ACKNOWLEDGE, cause);
    }
    return cause;
}

void virtio_unmask(struct virtio_device *device)
{
    sw_device_ack(device->handle);
}

status_t virtio_config_read(struct virtio_device *device, uint32_t offset, void *out, size_t size)
{
    uint8_t *bytes = out;

    for (int tries = 0; tries < CONFIG_TRIES; tries++) {
        uint32_t generation = register_read(device, CONFIG_GENERATION);

        for (size_t i = 0; i < size;) {
            /* Fields of 2 and 4 bytes are read whole (4.2.2.2); 8-byte ones in halves. */
            size_t at = offset + i;
            uint32_t width = (uint32_t)(at % 4 == 0 && size - i >= 4   ? 4
                                        : at % 2 == 0 && size - i >= 2 ? 2
                                                                       : 1);
            uint64_t value = 0;
            status_t status =
                sw_device_read(device->handle, (uint32_t)(CONFIG + at), width, &value);

            if (status != SW_OK) {
                return status;
            }
            memcpy(bytes + i, &value, width);
            i += width;
        }
        if (register_read(device, CONFIG_GENERATION) == generation) {
            return SW_OK;
        }
    }
    return SW_IO;
}

status_t virtio_config_write(struct virtio_device *device, uint32_t offset, uint8_t value)
{
    return sw_device_write(device->handle, CONFIG + offset, 1, value);
}
