#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct civil_time {
    unsigned year, month, day, hour, minute, second;
    unsigned weekday, year_day; /* from 0: Sunday, January 1st */
};
/* Civil time of ns since 1970, UTC; and back. */
struct civil_time civil_time(uint64_t ns);
uint64_t time_of(const struct civil_time *civil);

/* "@SECONDS", "YYYY-MM-DD", "YYYY-MM-DD HH:MM", "... HH:MM:SS" (or T between them, Z or UTC behind), "HH:MM"
 * (today), "now". */
bool parse_time(const char *text, uint64_t *out_ns);

/* Seconds, or with s, m, h, d behind; fractions count. SW_NEVER when it is too long. */
bool parse_duration(const char *text, uint64_t *out_ns);
