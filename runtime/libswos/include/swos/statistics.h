/* What a server counts about itself, in a page that init reads without asking it (command `metrics`).
 *
 * The page is kept by the service's job, so counters go on after a death. Only a process that serves
 * a channel given to it by init (`serve`) in a job of its own (`job`) has one. */
#pragma once
#include <stdint.h>
#include <swos/abi.h>

/* Finds the page, or makes it. Without one nothing is counted. */
void sw_statistics_open(void);

/* SW_STATISTICS_OWN_COUNT counters of the server's own, NULL before open or without a page. */
uint64_t *sw_statistics_own(void);

/* A call was delivered: from here until it is answered, deferred or not, is its time. */
void sw_statistics_begin(uint64_t token);
/* It was answered. What was not begun, or displaced by others, is not counted. */
void sw_statistics_end(uint64_t token);
