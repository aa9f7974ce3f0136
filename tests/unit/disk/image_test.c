/* The image reader: a good image, every bit of its metadata turned, hostile offsets, truncation.
 * The metadata lies in a heap block of its exact size, so that the sanitizer sees every step
 * outside. */
#include "image.h"
#include "tap.h"
#include <stdlib.h>
#include <string.h>
#include <swos/protocol.h>

#define INODES 7u
#define DATA_BLOCKS 3u

static struct image_superblock super;
static uint8_t *metadata;
static size_t metadata_size;

/* One inode of the good image; names are given with their place in `names`. */
static const char names[] = "binetcempty"
                            "lsmotd"
                            "x";

static void put_inode(uint32_t number, uint32_t parent, const char *name, uint16_t kind,
                      uint64_t size, uint64_t block, uint32_t first_child, uint32_t child_count)
{
    struct image_inode *inode = (struct image_inode *)metadata + number;

    *inode = (struct image_inode){
        .parent = parent,
        .name_offset = (uint32_t)(strstr(names, name) - names),
        .name_length = (uint16_t)strlen(name),
        .kind = kind,
        .mode = 0644,
        .size = size,
        .block = block,
        .first_child = first_child,
        .child_count = child_count,
    };
}

/* The good image: /bin/{ls,x} /etc/motd /empty. */
static void make_image(void)
{
    uint64_t names_offset = IMAGE_BLOCK + INODES * sizeof(struct image_inode);
    uint64_t tree_offset = (names_offset + sizeof(names) - 1 + 31) & ~31ull;

    super = (struct image_superblock){
        .version = IMAGE_VERSION,
        .block_size = IMAGE_BLOCK,
        .abi_low = 1,
        .abi_high = 3,
        .block_count = 2 + DATA_BLOCKS,
        .inode_offset = IMAGE_BLOCK,
        .inode_count = INODES,
        .inode_size = sizeof(struct image_inode),
        .names_offset = names_offset,
        .names_size = sizeof(names) - 1,
        .tree_offset = tree_offset,
        .tree_size = DATA_BLOCKS * IMAGE_HASH,
        .data_offset = 2 * IMAGE_BLOCK,
        .data_size = DATA_BLOCKS * IMAGE_BLOCK,
    };
    memcpy(super.magic, IMAGE_MAGIC, sizeof(super.magic));
    metadata_size = super.data_offset - super.inode_offset;
    free(metadata);
    metadata = calloc(1, metadata_size);
    put_inode(0, 0, "", SW_FILE_DIRECTORY, 0, 0, 1, 3);
    put_inode(1, 0, "bin", SW_FILE_DIRECTORY, 0, 0, 4, 2);
    put_inode(2, 0, "empty", SW_FILE_REGULAR, 0, 0, 0, 0);
    put_inode(3, 0, "etc", SW_FILE_DIRECTORY, 0, 0, 6, 1);
    put_inode(4, 1, "ls", SW_FILE_REGULAR, 2 * IMAGE_BLOCK, 0, 0, 0);
    put_inode(5, 1, "x", SW_FILE_REGULAR, 1, 2, 0, 0);
    put_inode(6, 3, "motd", SW_FILE_REGULAR, IMAGE_BLOCK, 2, 0, 0);
    memcpy(metadata + names_offset - IMAGE_BLOCK, names, sizeof(names) - 1);
}

static enum image_error mount(struct image *image)
{
    enum image_error error = image_recognize(&super);

    if (error == IMAGE_OK) {
        error = image_open(image, &super, 2, (uint64_t)(2 + DATA_BLOCKS) * IMAGE_BLOCK);
    }
    /* What the caller would have read is what it has: never more than the disk. */
    if (error == IMAGE_OK && image_metadata_size(image) != metadata_size) {
        return IMAGE_BAD_METADATA;
    }
    return error == IMAGE_OK ? image_check(image, metadata) : error;
}

/* Uses everything an accepted image offers. */
static uint64_t use(const struct image *image)
{
    uint64_t sum = image->tree[image->super.data_size / IMAGE_BLOCK - 1][31];

    for (uint32_t i = 0; i < image->super.inode_count; i++) {
        const struct image_inode *inode = &image->inodes[i];

        for (uint32_t c = 0; c < inode->name_length; c++) {
            sum += (uint8_t)image_name(image, inode)[c];
        }
        sum += image_child(image, i, "motd", 4) + image_child(image, i, "zz", 2);
        for (uint64_t b = 0; inode->kind == SW_FILE_REGULAR && b < image_blocks(inode); b++) {
            sum += image->tree[inode->block + b][0];
        }
    }
    return sum;
}

static void test_good(void)
{
    struct image image;

    make_image();
    CHECK(mount(&image) == IMAGE_OK);
    CHECK(image_child(&image, 0, "bin", 3) == 1);
    CHECK(image_child(&image, 0, "empty", 5) == 2);
    CHECK(image_child(&image, 0, "etc", 3) == 3);
    CHECK(image_child(&image, 0, "et", 2) == 0);
    CHECK(image_child(&image, 0, "etcc", 4) == 0);
    CHECK(image_child(&image, 1, "x", 1) == 5);
    CHECK(image_child(&image, 2, "x", 1) == 0);
    CHECK(image_blocks(&image.inodes[5]) == 1 && image_blocks(&image.inodes[2]) == 0);
    use(&image);
}

static void test_superblock(void)
{
    struct image image;

    make_image();
    super.magic[0] ^= 1;
    CHECK(mount(&image) == IMAGE_NOT_FOUND);
    make_image();
    super.version++;
    CHECK(mount(&image) == IMAGE_BAD_VERSION);
    make_image();
    super.abi_low = 3;
    CHECK(mount(&image) == IMAGE_BAD_ABI);
    super.abi_low = 1;
    super.abi_high = 1;
    CHECK(mount(&image) == IMAGE_BAD_ABI);
    make_image();
    CHECK(image_open(&image, &super, 2, (2 + DATA_BLOCKS) * IMAGE_BLOCK - 1) == IMAGE_TRUNCATED);
    CHECK(image_open(&image, &super, 2, 0) == IMAGE_TRUNCATED);
    make_image();
    super.names_offset = super.tree_offset;
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    super.inode_count = 0;
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    super.inode_count = UINT32_MAX;
    super.names_offset = IMAGE_BLOCK + (uint64_t)UINT32_MAX * sizeof(struct image_inode);
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    super.tree_size = UINT64_MAX - 31;
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    super.names_size = UINT64_MAX - super.names_offset + 1;
    CHECK(mount(&image) == IMAGE_MALFORMED);
}

#define BREAK(field, value)                                                                        \
    do {                                                                                           \
        make_image();                                                                              \
        ((struct image_inode *)metadata) field = (value);                                          \
        tap_ok(mount(&image) == IMAGE_MALFORMED, "refused: inode%s = %s", #field, #value);         \
    } while (0)

static void test_inodes(void)
{
    struct image image;

    BREAK([0].kind, SW_FILE_REGULAR);
    BREAK([0].parent, 1);
    BREAK([1].parent, 1);
    BREAK([1].parent, UINT32_MAX);
    BREAK([1].first_child, 1);
    BREAK([1].first_child, 0);
    BREAK([1].first_child, UINT32_MAX);
    BREAK([1].child_count, UINT32_MAX);
    BREAK([1].child_count, 3);
    BREAK([1].child_count, 1);
    BREAK([3].first_child, 5);
    BREAK([2].name_offset, UINT32_MAX);
    BREAK([2].name_length, UINT16_MAX);
    BREAK([2].name_length, 0);
    BREAK([2].size, UINT64_MAX);
    BREAK([2].size, IMAGE_SIZE_MAX);
    BREAK([4].size, 3 * IMAGE_BLOCK + 1);
    BREAK([4].block, 2);
    BREAK([4].block, UINT64_MAX);
    BREAK([4].child_count, 1);
    BREAK([1].size, 1);
    BREAK([2].kind, SW_FILE_DEVICE);
    BREAK([2].kind, 0);
    BREAK([2].mode, 010000);
    BREAK([2].flags, 1);
    BREAK([2].reserved, 1);

    make_image();
    put_inode(5, 1, "ls", SW_FILE_REGULAR, 1, 2, 0, 0); /* a name twice */
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    put_inode(4, 1, "y", SW_FILE_REGULAR, 1, 0, 0, 0); /* "y" before "x" */
    CHECK(mount(&image) == IMAGE_MALFORMED);

    make_image();
    memcpy(metadata + super.names_offset - IMAGE_BLOCK, "a/b", 3);
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    memcpy(metadata + super.names_offset - IMAGE_BLOCK + 11, "..", 2);
    CHECK(mount(&image) == IMAGE_MALFORMED);
    make_image();
    metadata[super.names_offset - IMAGE_BLOCK] = 0;
    CHECK(mount(&image) == IMAGE_MALFORMED);
}

/* Every single bit of superblock and metadata turned: accepted or not, nothing is touched that
 * does not belong to the image. */
static void test_flips(void)
{
    uint64_t accepted = 0, sum = 0;
    struct image image;

    for (size_t bit = 0; bit < 200 * 8; bit++) {
        make_image();
        ((uint8_t *)&super)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (mount(&image) == IMAGE_OK) {
            sum += use(&image);
            accepted++;
        }
    }
    for (size_t bit = 0; bit < metadata_size * 8; bit++) {
        make_image();
        metadata[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (mount(&image) == IMAGE_OK) {
            sum += use(&image);
            accepted++;
        }
    }
    tap_ok(accepted > 0, "turned bits: %llu harmless ones accepted (%llu)",
           (unsigned long long)accepted, (unsigned long long)sum);
}

int main(void)
{
    test_good();
    test_superblock();
    test_inodes();
    test_flips();
    free(metadata);
    return tap_done();
}
