/* /metrics: the page of the service `metrics`, asked for without waiting. Whoever asks while a question is
 * under way gets its answer. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

/* What became of the question is told at the port, by this key. */
void metrics_open(handle_t port, uint64_t key);
/* Asks, unless that is under way. NOT_FOUND: there is no such service for us. */
status_t metrics_ask(void);
/* After the event: the page, ours until the next question; or why there is none. False: it has been asked
 * again, as the service was started anew. */
bool metrics_take(status_t *out_status, const char **out_text, size_t *out_length);

/* Counts a response. */
void metrics_count(int status, uint64_t bytes);
