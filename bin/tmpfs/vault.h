/* The records of tmpfs that outlive its process, as they lie in the vault memory object.
 *
 * vault:  header and journal (one page) | slots | inodes | owners
 * arena:  the pages of file contents, another memory object
 *
 * Believed only after a check: every record carries a checksum over itself and its number. How
 * each survives the death of the process at any instruction:
 *   inode    changed only through the journal: images are written, then the commit word, then
 *            the inodes; a successor carries out a committed journal again
 *   slot     an open file; written, then its check. A torn one was not yet given to anybody
 *   owner    one word for each arena page: whose page it is; stored in one piece
 *   counters one word each, stored in one piece
 * The directory entry of a file is in its inode: a file has one name, so making, renaming (over
 * another file too) and removing are each one journal commit. */
#pragma once
#include <stdint.h>
#include <swos/abi.h>

#define VAULT_MAGIC 0x314d545353465354ull
#define VAULT_VERSION 1

#define NONE UINT32_MAX
#define ROOT 0 /* inode number; its parent is itself */
#define NAME_MAX_BYTES 255

struct inode {
    uint32_t check;
    uint32_t kind; /* SW_FILE_REGULAR, SW_FILE_DIRECTORY; 0: free */
    uint32_t generation;
    uint32_t parent; /* NONE: unlinked, lives until closed */
    uint32_t mode;
    uint32_t owner;
    uint64_t size;
    uint64_t mtime;
    uint16_t name_length;
    uint8_t name[NAME_MAX_BYTES];
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct inode) == 304, "inode");

struct slot {
    uint32_t check;
    uint32_t generation; /* part of the connection's badge */
    uint32_t inode;
    uint32_t inode_generation;
    uint32_t flags; /* SW_OPEN_*; 0: free */
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct slot) == 32, "slot");

#define JOURNAL_IMAGES 4 /* a rename over a file: both files, both directories */

struct journal {
    _Atomic uint64_t commit; /* 0: nothing to do; else checksum of the rest, never 0 */
    uint32_t count;
    uint32_t numbers[JOURNAL_IMAGES];
    uint32_t reserved;
    struct inode images[JOURNAL_IMAGES];
};

/* Counters hold a value in the low half and its check in the upper half. */
struct vault_header {
    uint64_t magic; /* written last */
    uint32_t version;
    uint32_t page_count;
    uint32_t inode_count;
    uint32_t slot_count;
    _Atomic uint64_t pages_ready; /* records up to here have memory; none beyond was ever used */
    _Atomic uint64_t inodes_ready;
    _Atomic uint64_t slots_ready;
    _Atomic uint64_t generation; /* last one given to an inode or slot */
};

struct vault_page {
    struct vault_header header;
    uint64_t reserved[4];
    struct journal journal;
};
_Static_assert(sizeof(struct vault_page) <= SW_PAGE, "header and journal fit in a page");

/* An owner word: inode, page of the file, and a check that covers the inode's generation and the
 * page's number too. Never 0, for the root has no pages; 0: nobody's. */
#define OWNER_INODE_BITS 20
#define OWNER_INDEX_BITS 24
#define OWNER_KEY_BITS (OWNER_INODE_BITS + OWNER_INDEX_BITS)
