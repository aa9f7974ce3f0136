/* Ports of connections that programs make: nobody guesses them (RFC 6056), and none is taken again soon.
 *
 * The other end of a connection may remember it for a minute (TIME_WAIT) although we do not: then it was the
 * one to end it first. What begins a new one with the same ports in that time is answered with RST by some,
 * which looks like nobody listening. Chosen by chance alone 60 connections to one server meet that once in ten.
 *
 * So when each was last in use is known, to a second; 18 hours later it is taken for just then again, and another
 * one is chosen. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PORT_FIRST 49152u /* those netd chooses (RFC 6335, 6) */
#define PORT_COUNT 16384u
#define PORT_REST 60u /* seconds */

/* Takes the memory, so that it does not grow with the ports that were chosen. */
void ports_open(void);

/* A port was in use until now. Those netd does not choose are not looked at. now: seconds of a clock that never
 * goes back. */
void port_note(uint16_t port, uint32_t now);
/* How long it was not, at most PORT_REST, which is also what is said of one that never was. */
uint32_t port_rest(uint16_t port, uint32_t now);
