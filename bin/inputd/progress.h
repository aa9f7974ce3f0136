/* How far a keyboard's driver has come, for the one after it.
 *
 * Ring and events stay pinned when a driver dies, and the keyboard goes on filling them. They lie
 * in a kept memory object of two pages: the first is shared with the device, the second holds this.
 * Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct progress {
    uint64_t
        bus; /* the first page, as the device sees it; these two are set before the ring runs */
    uint64_t features;
    /* One word, so that a death at any instruction leaves it whole: events taken | modifiers << 16
     * | check << 32, the check over the other two as well. 0: no ring. */
    _Atomic uint64_t word;
    /* Before bytes go into the pipe: which event, and how many the pipe had been given till then.
     * Written `check` first and last, which is 0 in between. */
    uint64_t given;
    uint64_t event;
    _Atomic uint64_t check;
};

void progress_clear(struct progress *progress);
void progress_store(struct progress *progress, uint16_t taken, uint16_t modifiers);

/* False when the word does not stand its check; then nothing is known. */
bool progress_load(const struct progress *progress, uint16_t *out_taken, uint16_t *out_modifiers);

/* Event number `event` (as `taken` will count it) is being typed; the pipe was given `given` bytes. */
void progress_typing(struct progress *progress, uint16_t event, uint64_t given);

/* It could not be typed now. Other keyboards may type before it is tried again, so what the pipe is
 * given from now on says nothing of it. */
void progress_untyped(struct progress *progress);

/* Whether event number `event` was typed by a predecessor that could not store so any more: the pipe
 * has been given more than when it was begun. Only of the first event after those it had stored. */
bool progress_typed(const struct progress *progress, uint16_t event, uint64_t given);
