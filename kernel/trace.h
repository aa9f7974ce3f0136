/* Tracing: what a process asks of the kernel and of servers, as records in a ring of memory that
 * another process reads. Format: struct sw_trace_ring, struct sw_trace.
 *
 * A process that is not traced pays nothing: its threads are recognised by bytes that are looked at
 * anyway, thread->leaves at the entry and thread->special where a wait ends. A traced thread takes
 * the slow way at both.
 *
 * The ring is the tracer's: the kernel writes it where its pages are present and believes no more of
 * it than how far it was read, as far as that can be. Whoever traces is told by an event, at the
 * kernel's exit (work in slices), never in the middle of what is traced. Closing the event's last
 * handle, as the tracer's death does, ends the trace; so does the end of the process. Big lock. */
#pragma once
#include "process.h"

/* A system call of a traced thread; called instead of its decoder, which it calls. `calls_on` is
 * that. */
void trace_syscall(struct thread *thread, status_t (*calls_on)(struct thread *thread));
/* A thread with thread->special set becomes ready. True: it is stopped, and stays out of the ready
 * structure. */
bool trace_special_ready(struct thread *thread);
/* A new thread of a traced process is traced. */
void trace_thread_new(struct thread *thread);
void trace_process_gone(struct process *process);
void trace_event_gone(struct event *event);
