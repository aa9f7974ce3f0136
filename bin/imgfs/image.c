/* Reader of SWOSBASE 4 images. See image.h. */
#include <string.h>
#include <swos/protocol.h>

#include "image.h"

enum image_error image_recognize(const struct image_superblock *super)
{
    if (memcmp(super->magic, IMAGE_MAGIC, sizeof(super->magic)) != 0) {
        return IMAGE_NOT_FOUND;
    }
    return super->version == IMAGE_VERSION ? IMAGE_OK : IMAGE_BAD_VERSION;
}

/* Sections in their order, none overlapping, each size what the others imply. Every operand is
 * bounded first, so no sum can wrap. */
static bool geometry_fits(const struct image_superblock *s)
{
    const uint64_t limit = IMAGE_SIZE_MAX;

    if (s->block_size != IMAGE_BLOCK || s->inode_size != sizeof(struct image_inode) ||
        s->inode_offset != IMAGE_BLOCK || s->inode_count == 0 || s->names_offset > limit ||
        s->names_size > limit || s->tree_offset > limit || s->tree_size > limit ||
        s->data_offset > limit || s->data_size > limit || s->block_count > limit) {
        return false;
    }
    return s->names_offset ==
               s->inode_offset + (uint64_t)s->inode_count * sizeof(struct image_inode) &&
           s->tree_offset >= s->names_offset + s->names_size &&
           s->data_offset >= s->tree_offset + s->tree_size && s->data_offset % IMAGE_BLOCK == 0 &&
           s->data_size % IMAGE_BLOCK == 0 &&
           s->tree_size == s->data_size / IMAGE_BLOCK * IMAGE_HASH &&
           s->block_count == (s->data_offset + s->data_size) / IMAGE_BLOCK;
}

enum image_error image_open(struct image *image, const struct image_superblock *super, uint32_t abi,
                            uint64_t disk_size)
{
    *image = (struct image){ .super = *super };
    if (abi < super->abi_low || abi > super->abi_high) {
        return IMAGE_BAD_ABI;
    }
    if (!geometry_fits(super)) {
        return IMAGE_MALFORMED;
    }
    return super->block_count > disk_size / IMAGE_BLOCK ? IMAGE_TRUNCATED : IMAGE_OK;
}

uint64_t image_metadata_size(const struct image *image)
{
    return image->super.data_offset - image->super.inode_offset;
}

/* A name that may stand in a directory. */
static bool name_valid(const char *name, size_t length)
{
    if (length == 0 || length > IMAGE_NAME_MAX || memchr(name, '/', length) ||
        memchr(name, '\0', length)) {
        return false;
    }
    return !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

static int name_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static bool file_valid(const struct image *image, const struct image_inode *inode)
{
    uint64_t blocks = image->super.data_size / IMAGE_BLOCK;

    return inode->child_count == 0 && inode->size <= IMAGE_SIZE_MAX && inode->block <= blocks &&
           image_blocks(inode) <= blocks - inode->block;
}

static bool directory_valid(const struct image *image, uint32_t number)
{
    const struct image_inode *inode = &image->inodes[number];
    uint32_t count = image->super.inode_count;

    if (inode->size != 0 || inode->block != 0) {
        return false;
    }
    if (inode->child_count == 0) {
        return true;
    }
    if (inode->first_child <= number || inode->first_child > count ||
        inode->child_count > count - inode->first_child) {
        return false;
    }
    for (uint32_t i = 0; i < inode->child_count; i++) {
        const struct image_inode *child = &image->inodes[inode->first_child + i];

        if (child->parent != number) {
            return false;
        }
        if (i > 0 && name_compare(image_name(image, child - 1), child[-1].name_length,
                                  image_name(image, child), child->name_length) >= 0) {
            return false;
        }
    }
    return true;
}

static bool inode_valid(const struct image *image, uint32_t number)
{
    const struct image_inode *inode = &image->inodes[number];
    const struct image_inode *parent;

    if (inode->flags != 0 || inode->reserved != 0 || inode->mode > 07777) {
        return false;
    }
    if (number == 0) {
        if (inode->kind != SW_FILE_DIRECTORY || inode->parent != 0 || inode->name_length != 0) {
            return false;
        }
    } else {
        if (inode->parent >= number || !name_valid(image_name(image, inode), inode->name_length)) {
            return false;
        }
        parent = &image->inodes[inode->parent];
        if (parent->kind != SW_FILE_DIRECTORY || number < parent->first_child ||
            number - parent->first_child >= parent->child_count) {
            return false;
        }
    }
    switch (inode->kind) {
    case SW_FILE_REGULAR:
        return file_valid(image, inode);
    case SW_FILE_DIRECTORY:
        return directory_valid(image, number);
    default:
        return false;
    }
}

enum image_error image_check(struct image *image, const void *metadata)
{
    const struct image_superblock *s = &image->super;
    const char *bytes = metadata;

    image->inodes = metadata;
    image->names = bytes + (s->names_offset - s->inode_offset);
    image->tree = (const void *)(bytes + (s->tree_offset - s->inode_offset));
    /* Names first: inode_valid looks at the names of other inodes. */
    for (uint32_t i = 0; i < s->inode_count; i++) {
        const struct image_inode *inode = &image->inodes[i];

        if (inode->name_offset > s->names_size ||
            inode->name_length > s->names_size - inode->name_offset) {
            return IMAGE_MALFORMED;
        }
    }
    for (uint32_t i = 0; i < s->inode_count; i++) {
        if (!inode_valid(image, i)) {
            return IMAGE_MALFORMED;
        }
    }
    return IMAGE_OK;
}

uint32_t image_child(const struct image *image, uint32_t directory, const char *name, size_t length)
{
    const struct image_inode *inode = &image->inodes[directory];
    uint32_t low = inode->first_child, high = low + inode->child_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct image_inode *child = &image->inodes[middle];
        const char *child_name = image_name(image, child);
        int order = (uint8_t)name[0] - (uint8_t)child_name[0]; /* no name is empty */

        if (order == 0) {
            order = name_compare(name, length, child_name, child->name_length);
        }

        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return 0;
}
