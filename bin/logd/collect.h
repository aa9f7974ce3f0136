/* Copies crash records out of the kernel as they come, with the log lines of that time, into kept
 * memory (crashes.h), and answers who asks for them. One thread. */
#pragma once
#include <swos/protocol.h>

/* Takes over what a predecessor kept in a slot of the job, and collects what is there. authority: the
 * root job, whose SW_JOB_CRASHED is to be followed by collect_now. service_lines: the last lines a
 * service has printed, at most `capacity` bytes; 0: none. When it fails, records stay with the kernel
 * alone. */
status_t collect_start(handle_t job, uint32_t slot, handle_t authority,
                       size_t (*service_lines)(const char *name, size_t length, char *out,
                                               size_t capacity));
/* The signal came. */
void collect_now(void);
/* Operations of the protocol `log`. */
status_t collect_list(struct sw_request *request, const struct sw_log_crash_list_request *in,
                      struct sw_log_crash_list_reply *out);
status_t collect_read(struct sw_request *request, const struct sw_log_crash_read_request *in,
                      struct sw_log_crash_read_reply *out);
