/* The mounted image. See base.h. Trust: nothing from a disk is used before its signature or hash
 * was checked in memory the driver cannot write any more (sealed). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/hot.h>
#include <swos/log.h>
#include <swos/mapping.h>
#include <swos/protocol.h>
#include <swos/start.h>
#include <swos/status.h>
#include <swos/trust_root.h>
#include <swos/virtio.h>

#include "base.h"
#include "hash.h"
#include "kept.h"
#include "program.h"

#define SECTOR 512u
#define READ_TIME (30 * SW_SECOND) /* a driver that needs longer will be restarted by init */
#define DISKS_MAX 32
#define CONTENT_RIGHTS                                                                             \
    (SW_RIGHT_READ | SW_RIGHT_MAP | SW_RIGHT_DUPLICATE | SW_RIGHT_TRANSFER | SW_RIGHT_INSPECT)

/* Reads `size` bytes (a multiple of the sector) at a byte offset of the disk into fresh memory and
 * seals it: the driver's copy of the handle cannot change it any more. Waits: for mounting only. */
static status_t disk_read(handle_t disk, uint64_t offset, uint64_t size, handle_t *out_memory)
{
    const uint64_t piece_max = 1u << 30; /* offset in a request is 32 bits, count is of sectors */
    handle_t memory;
    status_t status = sw_memory_create(size, 0, &memory);

    if (status != SW_OK) {
        return status;
    }
    if (size > piece_max) {
        status = SW_TOO_LARGE;
    } else {
        status = sw_block_read(disk, offset / SECTOR, (uint32_t)(size / SECTOR), 0, memory,
                               sw_clock_deadline(READ_TIME));
    }
    if (status == SW_OK) {
        status = sw_memory_seal(memory);
    }
    if (status != SW_OK) {
        sw_handle_close(memory);
        return status == SW_NO_MEMORY || status == SW_QUOTA ? status : SW_IO;
    }
    *out_memory = memory;
    return SW_OK;
}

/* disk_read, mapped. */
static status_t disk_map(handle_t disk, uint64_t offset, uint64_t size, void **out_bytes)
{
    handle_t memory;
    status_t status = disk_read(disk, offset, size, &memory);

    if (status == SW_OK) {
        status = sw_mapping_map(memory, 0, size, SW_MAP_READ, out_bytes);
        sw_handle_close(memory);
    }
    return status;
}

static handle_t disk_handle(unsigned number)
{
    char name[16];

    sw_format(name, sizeof(name), "disk/%u", number);
    return sw_start_get(name);
}

static enum image_error refuse(enum image_error error, unsigned disk, const char *text)
{
    sw_log(SW_LOG_ERROR, "disk %u: %s", disk, text);
    return error;
}

/* Takes the metadata, which was verified, into use. */
static enum image_error metadata_use(struct base *base, unsigned disk, const void *metadata)
{
    uint32_t count = base->image.super.inode_count;

    if (image_check(&base->image, metadata) != IMAGE_OK) {
        return refuse(IMAGE_MALFORMED, disk, "the image's metadata is malformed");
    }
    base->files = calloc(count, sizeof(*base->files));
    base->programs = calloc(count, sizeof(*base->programs));
    if (!base->files || !base->programs) {
        return refuse(IMAGE_NO_MEMORY, disk, "out of memory");
    }
    return IMAGE_OK;
}

static enum image_error metadata_verify(const struct image *image, unsigned disk,
                                        const uint8_t *metadata)
{
    const struct image_superblock *s = &image->super;
    uint8_t hash[HASH_SIZE];

    hash_sha256(hash, metadata, image_metadata_size(image));
    if (memcmp(hash, s->metadata_hash, sizeof(hash)) != 0) {
        return refuse(IMAGE_BAD_METADATA, disk, "the image's metadata does not match its hash");
    }
    hash_sha256(hash, metadata + (s->tree_offset - s->inode_offset), s->tree_size);
    if (memcmp(hash, s->tree_root, sizeof(hash)) != 0) {
        return refuse(IMAGE_BAD_METADATA, disk, "the image's hash tree does not match its root");
    }
    return IMAGE_OK;
}

static enum image_error mount_metadata(struct base *base, unsigned disk)
{
    const struct image_superblock *s = &base->image.super;
    uint64_t size = image_metadata_size(&base->image);
    enum image_error error;
    handle_t memory;
    void *metadata;
    status_t status = disk_read(base->disk, s->inode_offset, size, &memory);

    if (status == SW_OK &&
        (status = sw_mapping_map(memory, 0, size, SW_MAP_READ, &metadata)) != SW_OK) {
        sw_handle_close(memory);
    }
    if (status != SW_OK) {
        return refuse(status == SW_IO ? IMAGE_READ_ERROR : IMAGE_NO_MEMORY, disk,
                      "the image's metadata cannot be read");
    }
    error = metadata_verify(&base->image, disk, metadata);
    if (error == IMAGE_OK) {
        error = metadata_use(base, disk, metadata);
    }
    if (error == IMAGE_OK) {
        kept_put(s, disk, memory);
    }
    sw_handle_close(memory);
    return error;
}

/* Mounts what a predecessor has verified; the disk is not asked. */
static bool mount_kept(struct base *base)
{
    struct kept kept;

    if (!kept_find(&kept) || !(base->disk = disk_handle(kept.disk)) ||
        image_open(&base->image, kept.super, SW_ABI_VERSION, UINT64_MAX) != IMAGE_OK ||
        kept.metadata_size < image_metadata_size(&base->image)) {
        return false;
    }
    return metadata_use(base, kept.disk, kept.metadata) == IMAGE_OK;
}

/* Mounts from a disk whose first block was recognized. */
static enum image_error mount_disk(struct base *base, unsigned disk, uint64_t disk_size,
                                   const struct image_superblock *super)
{
    enum image_error error = image_recognize(super);

    if (error != IMAGE_OK) {
        sw_log(SW_LOG_ERROR, "disk %u: image format version %u, this reads %u", disk,
               super->version, IMAGE_VERSION);
        return error;
    }
    if (crypto_sign_verify_detached(super->signature, (const uint8_t *)super, IMAGE_SIGNED,
                                    sw_trust_root) != 0) {
        return refuse(IMAGE_BAD_SIGNATURE, disk,
                      "the image's signature does not match the built-in key");
    }
    error = image_open(&base->image, super, SW_ABI_VERSION, disk_size);
    switch (error) {
    case IMAGE_OK:
        return mount_metadata(base, disk);
    case IMAGE_BAD_ABI:
        sw_log(SW_LOG_ERROR, "disk %u: the image needs ABI %u to %u, this system has %u", disk,
               super->abi_low, super->abi_high, SW_ABI_VERSION);
        return error;
    case IMAGE_TRUNCATED:
        sw_log(SW_LOG_ERROR, "disk %u: the image is truncated: %llu blocks of %llu", disk,
               (unsigned long long)(disk_size / IMAGE_BLOCK),
               (unsigned long long)super->block_count);
        return error;
    default:
        return refuse(error, disk, "the image's superblock is malformed");
    }
}

/* What to say when no disk could even be asked. */
static enum image_error no_disk(void)
{
    struct sw_block_list_reply list = { 0 };
    handle_t block = sw_start_get("block");

    if (block && sw_block_list(block, &list, sw_clock_deadline(READ_TIME)) == SW_OK &&
        list.legacy > 0) {
        sw_log(SW_LOG_ERROR, "no usable disk: each " VIRTIO_LEGACY_MESSAGE);
    } else {
        sw_log(SW_LOG_ERROR, "no disk");
    }
    return IMAGE_NO_DISK;
}

enum image_error base_mount(struct base *base)
{
    enum image_error result = IMAGE_OK;
    bool any = false;

    if (mount_kept(base)) {
        return IMAGE_OK;
    }
    for (unsigned i = 0; i < DISKS_MAX && disk_handle(i); i++) {
        struct sw_block_info_reply info;
        enum image_error error;
        void *block;
        status_t status = sw_block_info(disk_handle(i), &info, sw_clock_deadline(READ_TIME));

        if (status == SW_NOT_SUPPORTED || status == SW_NOT_FOUND) {
            continue;
        }
        any = true;
        if (status == SW_OK && info.sectors < IMAGE_BLOCK / SECTOR) {
            continue;
        }
        if (status == SW_OK) {
            status = disk_map(disk_handle(i), 0, IMAGE_BLOCK, &block);
        }
        if (status != SW_OK) {
            result = refuse(IMAGE_READ_ERROR, i, sw_status_text(status));
            continue;
        }
        if (image_recognize(block) != IMAGE_NOT_FOUND) {
            base->disk = disk_handle(i);
            error = mount_disk(base, i, info.sectors * SECTOR, block);
            if (error == IMAGE_OK) {
                sw_mapping_unmap(block, IMAGE_BLOCK);
                return IMAGE_OK;
            }
            result = error; /* another disk may hold a good one */
        }
        sw_mapping_unmap(block, IMAGE_BLOCK);
    }
    if (!any) {
        return no_disk();
    }
    if (result == IMAGE_OK) {
        sw_log(SW_LOG_ERROR, "no disk holds a SWOSBASE image");
        result = IMAGE_NOT_FOUND;
    }
    return result;
}

/* Whether each block of a file's data from block `first` on matches its leaf of the hash tree. */
static bool verify(const struct base *base, uint32_t number, uint64_t first, const uint8_t *bytes,
                   uint64_t size)
{
    const struct image_inode *inode = &base->image.inodes[number];
    uint8_t hash[HASH_SIZE];

    for (uint64_t i = 0; i < size / IMAGE_BLOCK; i++) {
        hash_sha256(hash, bytes + i * IMAGE_BLOCK, IMAGE_BLOCK);
        if (memcmp(hash, base->image.tree[inode->block + first + i], sizeof(hash)) != 0) {
            sw_log(SW_LOG_ERROR, "block %llu of %.*s does not match its hash",
                   (unsigned long long)(first + i), (int)inode->name_length,
                   image_name(&base->image, inode));
            return false;
        }
    }
    return true;
}

/* An empty file's memory: objects have at least a page. */
static status_t empty_memory(handle_t *out_memory)
{
    handle_t memory;
    status_t status = sw_memory_create(SW_PAGE, 0, &memory);

    if (status != SW_OK) {
        return status;
    }
    status = sw_memory_seal(memory);
    if (status == SW_OK) {
        status = sw_handle_duplicate(memory, CONTENT_RIGHTS, out_memory);
    }
    sw_handle_close(memory);
    return status;
}

static struct content *extent_find(const struct base *base, uint32_t number, uint32_t extent)
{
    struct content *content = base->extents;

    while (content && (content->inode != number || content->extent != extent)) {
        content = content->next;
    }
    return content;
}

SW_HOT status_t base_content(struct base *base, uint32_t number, uint32_t extent,
                             handle_t *out_memory)
{
    const struct content *content;

    if (extent != EXTENT_WHOLE) {
        content = extent_find(base, number, extent);
        *out_memory = content ? content->memory : 0;
        return content ? SW_OK : SW_NOT_FOUND;
    }
    if (!base->files[number]) {
        uint64_t size = base->image.inodes[number].size;
        status_t status = size > FILE_WHOLE_MAX ? SW_TOO_LARGE : size > 0 ? SW_NOT_FOUND : SW_OK;

        if (status == SW_OK) {
            status = empty_memory(&base->files[number]);
        }
        if (status != SW_OK) {
            return status;
        }
    }
    *out_memory = base->files[number];
    return SW_OK;
}

void base_place(const struct base *base, uint32_t number, uint32_t extent, uint64_t *out_offset,
                uint64_t *out_size)
{
    const struct image *image = &base->image;
    const struct image_inode *inode = &image->inodes[number];
    uint64_t offset = 0, size = inode->size;

    if (extent != EXTENT_WHOLE) {
        offset = (uint64_t)extent * SW_FILE_EXTENT;
        size = size - offset < SW_FILE_EXTENT ? size - offset : SW_FILE_EXTENT;
    }
    *out_offset = image->super.data_offset + inode->block * IMAGE_BLOCK + offset;
    *out_size = (size + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK;
}

/* Verifies sealed memory; *out_kept is a handle with the rights of content. */
static status_t check(const struct base *base, uint32_t number, uint32_t extent, handle_t memory,
                      handle_t *out_kept)
{
    uint64_t offset, size, first = 0;
    void *bytes;
    bool good;
    status_t status;

    base_place(base, number, extent, &offset, &size);
    if (extent != EXTENT_WHOLE) {
        first = (uint64_t)extent * (SW_FILE_EXTENT / IMAGE_BLOCK);
    }
    status = sw_mapping_map(memory, 0, size, SW_MAP_READ, &bytes);
    if (status != SW_OK) {
        return status;
    }
    good = verify(base, number, first, bytes, size);
    sw_mapping_unmap(bytes, size);
    return good ? sw_handle_duplicate(memory, CONTENT_RIGHTS, out_kept) : SW_CORRUPT;
}

status_t base_accept(struct base *base, uint32_t number, uint32_t extent, handle_t memory)
{
    struct content *content = NULL;
    handle_t kept = 0;
    status_t status = sw_memory_seal(memory) == SW_OK ? SW_OK : SW_IO;

    if (status == SW_OK && extent != EXTENT_WHOLE && !(content = malloc(sizeof(*content)))) {
        status = SW_NO_MEMORY;
    }
    if (status == SW_OK) {
        status = check(base, number, extent, memory, &kept);
    }
    sw_handle_close(memory);
    if (status != SW_OK) {
        free(content);
    } else if (content) {
        *content = (struct content){ base->extents, number, extent, kept };
        base->extents = content;
    } else {
        base->files[number] = kept;
    }
    return status;
}

uint64_t base_freeable(handle_t memory, uint32_t ours)
{
    uint64_t size, committed;
    uint32_t handles, others, sealed;

    if (sw_memory_users(memory, &handles, &others) != SW_OK || handles > ours || others > 0 ||
        sw_memory_info(memory, &size, &committed, &sealed) != SW_OK) {
        return 0;
    }
    return committed;
}

uint64_t base_cached(const struct base *base)
{
    uint64_t bytes = program_cached(base);

    for (uint32_t i = 0; i < base->image.super.inode_count; i++) {
        if (base->files[i]) {
            bytes += base_freeable(base->files[i], 1 + program_handles(base, i));
        }
    }
    for (const struct content *content = base->extents; content; content = content->next) {
        bytes += base_freeable(content->memory, 1);
    }
    return bytes;
}

void base_trim(struct base *base)
{
    for (uint32_t i = 0; i < base->image.super.inode_count; i++) {
        if (base->files[i]) {
            sw_handle_close(base->files[i]);
            base->files[i] = 0;
        }
    }
    for (struct content *content = base->extents, *next; content; content = next) {
        next = content->next;
        sw_handle_close(content->memory);
        free(content);
    }
    base->extents = NULL;
    program_trim(base);
}
