/* The records of tmpfs that outlive its process, as they lie in the vault memory object.
 *
 * vault:  header, journal and answers (one page) | slots | inodes | owners
 * arena:  the pages of file contents, another memory object
 *
 * Believed only after a check: every record carries a checksum over itself and its number. How
 * each survives the death of the process at any instruction:
 *   inode    changed only through the journal: images are written, then the commit word, then
 *            the inodes; a successor carries out a committed journal again
 *   slot     an open file; written, then its check. A torn one was not yet given to anybody
 *   owner    one word for each arena page: whose page it is; stored in one piece
 *   answer   what the last request came to: part of the change it made, so that both are there or
 *            neither; a successor keeps it for the client that may not have heard it
 *   counters one word each, stored in one piece
 * The directory entry of a file is in its inode: a file has one name, so making, renaming (over
 * another file too) and removing are each one journal commit. */
#pragma once
#include <stdint.h>
#include <swos/abi.h>

#define VAULT_MAGIC 0x314d545353465354ull
#define VAULT_VERSION 2

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
    uint32_t principal;
    uint32_t reserved[2];
};
_Static_assert(sizeof(struct slot) == 32, "slot");

/* What a request that changed something came to (answers.c). */
struct answer {
    uint32_t check;
    uint32_t pid;                     /* of the client, with `id` the request's name */
    uint64_t id;                      /* 0: none */
    uint32_t inode, inode_generation; /* open: what it opened; else NONE */
    uint32_t flags;                   /* open */
    uint32_t reserved;
    uint64_t done, end; /* write */
};
_Static_assert(sizeof(struct answer) == 48, "answer");

#define ANSWERS_KEPT 32 /* deaths in the middle of a change that a replay may come after */

struct answers {
    struct answer last;               /* of this process; heard by its client, or not */
    _Atomic uint64_t next;            /* counter: where the next goes in `kept` */
    struct answer kept[ANSWERS_KEPT]; /* the last ones of predecessors */
};

#define JOURNAL_IMAGES 4 /* a rename over a file: both files, both directories */

struct journal {
    _Atomic uint64_t commit; /* 0: nothing to do; else checksum of the rest, never 0 */
    uint32_t count;
    uint32_t numbers[JOURNAL_IMAGES];
    uint32_t reserved;
    struct answer answer; /* becomes answers.last with the change; id 0: no request made it */
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
    struct answers answers;
};
_Static_assert(sizeof(struct vault_page) <= SW_PAGE, "header, journal, answers fit in a page");

/* An owner word: inode, page of the file, and a check that covers the inode's generation and the
 * page's number too. Never 0, for the root has no pages; 0: nobody's. */
#define OWNER_INODE_BITS 20
#define OWNER_INDEX_BITS 24
#define OWNER_KEY_BITS (OWNER_INODE_BITS + OWNER_INDEX_BITS)
