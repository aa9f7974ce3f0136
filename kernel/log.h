/* Kernel log, early console, crash records, random numbers, information page. */
#pragma once
#include "types.h"

/* --- log.c: a ring of text records `[tick] [L] source: message`, tick in ms since boot --- */
void log_line(uint32_t level, const char *source, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define log_info(source, ...) log_line(SW_LOG_INFO, source, __VA_ARGS__)
#define log_warning(source, ...) log_line(SW_LOG_WARNING, source, __VA_ARGS__)
#define log_error(source, ...) log_line(SW_LOG_ERROR, source, __VA_ARGS__)
#define LOG_LINE_MAX 240 /* bytes of `source: message`; what is longer is cut */
#define LOG_RECORD_MAX (LOG_LINE_MAX + 32)
/* Adds a record with this `source: message` text; bytes that are not printable become '?'. */
void log_text(uint32_t level, const char *text, size_t length);
/* Copies text that terminals will show: '?' for control characters, those of UTF-8 (0x80 to 0x9f), too. */
void log_clean(char *out, const char *text, size_t length);
/* False: the level of its source keeps that out. */
bool log_wants(uint32_t level, const char *text, size_t length);
/* The record numbered *sequence, or the oldest one kept if that is gone: its text with a newline,
 * at most LOG_RECORD_MAX bytes. *sequence becomes the next number. 0: there is none yet. */
size_t log_record(uint64_t *sequence, char *buffer);
/* The number from which on all records together fit into that many bytes. */
uint64_t log_sequence_of_last(size_t bytes);
extern uint32_t
    log_level_minimum; /* lower levels are left out, where a source has none of its own */
#define LOG_SOURCE_MAX 24
/* Gives lines of a source (length 0: of all the others) a least level; SW_LOG_DEFAULT: none of its
 * own again. INVALID, TOO_LARGE, QUOTA. */
status_t log_filter_set(const char *source, size_t length, uint32_t level);
/* Somebody who keeps all records has those before this number. */
void log_gathered(uint64_t sequence);
/* Half the ring is new since then. */
bool log_should_be_gathered(void);
uint64_t log_count(void); /* records since boot */

/* --- format.c --- */
/* Formats like printf into a buffer, cut to it; returns the length without the NUL.
 * %s %.*s %d %u %x %p %c %%, l and z, widths and the 0 flag. */
size_t format_text(char *buffer, size_t capacity, const char *format, __builtin_va_list arguments);

size_t format_line(char *buffer, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- early console (the arch's) --- */
/* True while no driver holds the UART (or in a panic): lines also go to the serial line. */
extern bool early_console_active;
void early_console_write(const char *text, size_t length);
int early_console_read(void);   /* -1: nothing waits */
void early_console_reset(void); /* polled again, whatever a driver left behind */

/* --- crash.c --- */
struct thread;
struct arch_frame;
#define CRASH_RING_SIZE (8 * 8192) /* bytes, at the same place of every boot */
void crash_init(paddr_t ring);
/* Record of a user process: registers, back-trace, handles, last log lines. */
void crash_record_process(struct thread *thread, const char *reason, vaddr_t address);
/* panic() for an exception in the kernel: shows that frame. */
_Noreturn void panic_frame(const struct arch_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
extern bool panicked; /* the other CPUs stop at the lock */

/* --- random.c --- */
#define SEED_ENOUGH 16 /* bytes at once, from the firmware or from rngd */
enum { RANDOM_SEEDED, RANDOM_WEAK, RANDOM_FIXED }; /* sw_info_page.random_state */
/* Seeds the generator. fixed: the seed is a number given by hand, nothing else may join. */
void random_init(const void *seed, size_t length, bool fixed);
void random_bytes(void *to, size_t length);
void random_mix(const void *from, size_t length);
uint64_t random_u64(void);
/* Fresh entropy came; whether so much or so long ago was drawn since that more is wanted. */
void random_fed(uint64_t now);
bool random_is_hungry(uint64_t now);
void random_note(uint64_t time); /* a moment an outsider cannot quite know */

/* --- main.c --- */
/* The information page: kernel pointer, and the object mapped read-only into every process. */
extern struct sw_info_page *info_page;
extern paddr_t info_page_address;
struct memory;
extern struct memory *info_page_memory;
void info_page_set_wall(uint64_t wall_ns); /* wall = monotonic + wall_offset */
extern uint64_t reserved_bytes, kernel_image_bytes;
/* The words of the kernel command line that are keeper's, each NUL-terminated. */
extern const char *init_arguments[32];
extern uint32_t init_argument_count;
