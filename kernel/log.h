/* Kernel log: a ring of text records `[tick] [L] source: message`, and the early console. */
#pragma once
#include "types.h"

void log_line(uint32_t level, const char *source, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define log_info(source, ...) log_line(SW_LOG_INFO, source, __VA_ARGS__)
#define log_warning(source, ...) log_line(SW_LOG_WARNING, source, __VA_ARGS__)
#define log_error(source, ...) log_line(SW_LOG_ERROR, source, __VA_ARGS__)
/* Formats like printf into a buffer; returns the length without the NUL. %s %d %u %x %lx %lu %ld %p %c, widths and 0 flag. */
size_t format_text(char *buffer, size_t capacity, const char *format, __builtin_va_list arguments);
/* True while no driver holds the UART (or in a panic): lines also go to the serial line. */
extern bool early_console_active;
void early_console_write(const char *text, size_t length);
int early_console_read(void); /* -1: nothing waits */

/* Crash record of a user process: registers, back-trace, handles, last log lines. */
struct thread;
void crash_record_process(struct thread *thread, const char *reason, vaddr_t address);

/* Random generator (random.c). */
void random_bytes(void *to, size_t length);
void random_mix(const void *from, size_t length);
uint64_t random_u64(void);
/* Clock offset: wall = monotonic + wall_offset. */
extern struct sw_info_page *info_page; /* kernel pointer */
extern paddr_t info_page_address;
/* Object of the information page, mapped read-only into every process. */
struct memory;
extern struct memory *info_page_memory;
