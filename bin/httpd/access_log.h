/* What the server prints: its markers and a line a request, on descriptor 1.
 *
 * Lines gather, and leave together when the first of them is 50 ms old: one call a request would cost as
 * much as answering it. Nobody waits for a reader: what does not fit is dropped, and how many lines
 * that were is said in the next one that fits. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* "httpd: " and the text, a line. Cut at 1.5 KiB. */
void access_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The line of a request, "httpd: STATUS PATH": of path at most 1 KiB. */
void access_log_request(int status, const char *path, size_t length);
void access_log_flush(void);
/* When to do so, SW_NEVER: there is nothing. */
uint64_t access_log_deadline(void);
