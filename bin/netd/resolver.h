/* Names to addresses: asks the name servers in turn, and remembers what they say as long as they say. */
#pragma once
#include "netd.h"

/* Called once, perhaps before resolver_ask returns: OK and an address, or NOT_FOUND (there is none),
 * TIMED_OUT (no server answered), UNREACHABLE (there is no server), BAD_MESSAGE (servers answered, but not
 * with an answer), REFUSED (an answer does not fit a datagram, and over TCP there is none). */
typedef void (*resolver_done)(void *argument, const char *name, status_t status,
                              const ip_addr_t *address);

/* Looks up an address of the family 4 or 6. The name may be an address in letters. OK: done is, or will
 * be, called. INVALID: that is no name. BUSY: too many wait already. */
status_t resolver_ask(const char *name, uint32_t family, resolver_done done, void *argument);

/* Other servers are asked from now on: what was remembered is forgotten. */
void resolver_forget(void);
void resolver_run(uint64_t now);
uint64_t resolver_deadline(void);
