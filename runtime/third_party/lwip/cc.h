/* lwIP's compiler and platform: newlib, little-endian, and the functions netd supplies. */
#pragma once
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#ifndef SSIZE_MAX /* lwIP would make ssize_t an int */
#define SSIZE_MAX LONG_MAX
#endif
#define LWIP_TIMEVAL_PRIVATE 0
#define LWIP_ERRNO_STDINCLUDE 1

struct ip_addr;
struct ip4_addr;

/* An unpredictable number. */
uint32_t lwip_port_random(void);
/* Ends netd: something is not as lwIP's own code believes; a successor starts clean. */
_Noreturn void lwip_port_failed(const char *what, const char *file, int line);
/* The 16-bit one's complement sum of bytes, not inverted, in the order they lie. */
uint16_t lwip_port_checksum(const void *data, int length);

#define LWIP_RAND() lwip_port_random()
#define LWIP_PLATFORM_ASSERT(what) lwip_port_failed(what, __FILE__, __LINE__)
#define LWIP_PLATFORM_DIAG(what)
#define LWIP_CHKSUM lwip_port_checksum

/* An instruction each; lwIP has functions for it. */
#define lwip_htons(number) __builtin_bswap16(number)
#define lwip_htonl(number) __builtin_bswap32(number)
