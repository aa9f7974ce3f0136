/* Reader of SWOSBASE 4 images: superblock, inode table, names, hash tree.
 *
 * docs/architecture.md describes the bytes; lua/swos/image.lua is the other implementation. Works
 * on bytes in memory that nobody else can write; after image_check() has accepted them, every
 * offset in them may be used. Hashes and the signature are the caller's. Pure: no system calls,
 * compiled for the host's tests too. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_BLOCK 4096u
#define IMAGE_MAGIC "SWOSBASE"
#define IMAGE_VERSION 4u
#define IMAGE_SIGNED 4032u /* bytes of the superblock under the signature that follows */
#define IMAGE_HASH 32u
#define IMAGE_NAME_MAX 255u
#define IMAGE_SIZE_MAX (1ull << 40)

/* Why an image cannot be mounted; the numbers are imgfs's exit statuses. */
enum image_error {
    IMAGE_OK = 0,
    IMAGE_NO_DISK = 10,
    IMAGE_NOT_FOUND = 11,
    IMAGE_READ_ERROR = 12,
    IMAGE_TRUNCATED = 13,
    IMAGE_BAD_VERSION = 14,
    IMAGE_BAD_SIGNATURE = 15,
    IMAGE_BAD_ABI = 16,
    IMAGE_BAD_METADATA = 17,
    IMAGE_MALFORMED = 18,
    IMAGE_NO_HANDLE = 19,
    IMAGE_NO_MEMORY = 20,
};

struct image_superblock {
    uint8_t magic[8];
    uint32_t version, block_size;
    uint32_t abi_low, abi_high;
    uint64_t block_count;
    uint64_t build_id;
    uint64_t inode_offset;
    uint32_t inode_count, inode_size;
    uint64_t names_offset, names_size;
    uint64_t tree_offset, tree_size;
    uint64_t data_offset, data_size;
    uint8_t tree_root[IMAGE_HASH];
    uint8_t metadata_hash[IMAGE_HASH];
    uint8_t label[32];
    uint8_t zeros[3832];
    uint8_t signature[64];
};
_Static_assert(sizeof(struct image_superblock) == IMAGE_BLOCK, "image_superblock");
_Static_assert(offsetof(struct image_superblock, tree_root) == 104, "tree_root");
_Static_assert(offsetof(struct image_superblock, signature) == IMAGE_SIGNED, "signature");

struct image_inode {
    uint32_t parent;
    uint32_t name_offset;
    uint16_t name_length;
    uint16_t kind; /* SW_FILE_REGULAR or SW_FILE_DIRECTORY */
    uint32_t mode;
    uint32_t owner;
    uint32_t flags;
    uint64_t size;
    uint64_t block; /* of the data, counted from data_offset */
    uint64_t mtime;
    uint8_t hash[IMAGE_HASH];
    uint32_t first_child, child_count;
    uint64_t reserved;
};
_Static_assert(sizeof(struct image_inode) == 96, "image_inode");

struct image {
    struct image_superblock super;
    const struct image_inode *inodes; /* the metadata begins with them */
    const char *names;
    const uint8_t (*tree)[IMAGE_HASH]; /* hash of each data block */
};

/* Is this the first block of an image at all, and of our version: OK, NOT_FOUND, BAD_VERSION. */
enum image_error image_recognize(const struct image_superblock *super);

/* Takes a superblock whose signature was checked: ABI range against `abi`, sections in order and
 * within `disk_size` bytes. BAD_ABI, MALFORMED, TRUNCATED. */
enum image_error image_open(struct image *image, const struct image_superblock *super, uint32_t abi,
                            uint64_t disk_size);

/* Bytes of the metadata, which lie at super.inode_offset of the disk: a multiple of the block. */
uint64_t image_metadata_size(const struct image *image);

/* Takes the metadata, whose hash was checked, and checks every inode. The bytes stay in use,
 * 8-byte aligned. MALFORMED. */
enum image_error image_check(struct image *image, const void *metadata);

/* The child of a directory with that name, 0 (the root is nobody's child) when there is none. */
uint32_t image_child(const struct image *image, uint32_t directory, const char *name,
                     size_t length);

static inline const char *image_name(const struct image *image, const struct image_inode *inode)
{
    return image->names + inode->name_offset;
}

/* Blocks a file's data takes. */
static inline uint64_t image_blocks(const struct image_inode *inode)
{
    return (inode->size + IMAGE_BLOCK - 1) / IMAGE_BLOCK;
}
