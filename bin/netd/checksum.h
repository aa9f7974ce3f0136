/* The Internet checksum (RFC 1071). Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The 16-bit one's complement sum of bytes, not inverted, in the order they lie; at most 2^32 of them. */
uint16_t checksum(const void *bytes, size_t length);
