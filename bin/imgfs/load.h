/* Files and extents on their way from the disk, and the calls that wait for them.
 *
 * Reads are posted: while the disk works, others are served. A read is posted again to the
 * successor of a driver that died with it; it changes nothing but our own memory. While reads are
 * under way the driver is asked something small once a second: it answers reads when the disk is
 * done with them, so a driver that hangs is found overdue by that question alone. */
#pragma once
#include <stdint.h>
#include <swos/abi.h>
#include <swos/server.h>

#include "base.h"

enum load_purpose { LOAD_OPEN, LOAD_PROGRAM, LOAD_EXTENT };

/* To be called once, with the loop that load_event and load_timeout are called from. answer() is
 * called for each waiting call when its content is kept, or cannot be had. */
status_t load_start(struct base *base, struct sw_server *server,
                    void (*answer)(enum load_purpose purpose, uint64_t token, uint32_t inode,
                                   uint32_t extent, status_t status));

/* Defers a call until the content is there; starts the load unless it is under way. NO_MEMORY. */
status_t load_wait(struct sw_request *request, enum load_purpose purpose, uint32_t inode,
                   uint32_t extent);

void load_event(const struct sw_event *event);
void load_timeout(void);
