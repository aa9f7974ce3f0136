/* The service directory: what the process's `names` connection shows. */
#pragma once
#include <swos/abi.h>

/* A connection to a service by name. It becomes the caller's to close. Waits while init starts the
 * service. NOT_FOUND: no such service, or not in this view, or no `names` handle at all. BAD_MESSAGE:
 * the answer said success and held no connection. */
status_t sw_service_connect(const char *name, uint64_t deadline, handle_t *out_connection);

/* Tells init that this service answers now. */
status_t sw_service_ready(void);
