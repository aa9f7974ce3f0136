/* The kernel log, and text for it without the C library's printf. */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

/* Writes at most capacity - 1 characters and a NUL (nothing when capacity is 0); returns the
 * number written. Knows %s %.*s %c %d %i %u %x %p %% with l, ll, z and a width with or without
 * leading 0; what else stands behind a % is copied as it is. */
size_t sw_format(char *out, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t sw_format_list(char *out, size_t capacity, const char *format, va_list arguments);

/* Adds a line "NAME: text" to the kernel log through the start handle `log`; NAME is argument 0
 * without its folder. level is SW_LOG_*. Cut at 240 bytes. Without that handle nothing happens. */
void sw_log(uint32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
