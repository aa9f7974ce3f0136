/* Words for status codes. */
#pragma once
#include <swos/abi.h>

/* "NOT_FOUND" and "not found"; "UNKNOWN" and "unknown status" for numbers outside the table. */
const char *sw_status_name(status_t status);
const char *sw_status_text(status_t status);

/* What strerror says of an errno value, in lower case as messages are: "connection refused". Of one thread;
 * valid until the next call. In libc. */
const char *sw_errno_text(int error);
