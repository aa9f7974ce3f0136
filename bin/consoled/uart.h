/* The PL011 serial port (Arm DDI 0183), reached through a device handle.
 *
 * Nothing here waits. A register that cannot be reached means that the lease has ended: the
 * process ends too, and its successor gets the next lease. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swos/abi.h>

struct uart {
    handle_t device;
    uint32_t interrupts; /* as set in the mask register */
};

enum { UART_ON_RECEIVE = 0x50, UART_ON_TRANSMIT = 0x20 }; /* RX and RX timeout; TX */

/* Claims the device, keeps what is already in its receive FIFO, and masks its interrupts. */
status_t uart_start(struct uart *uart, handle_t device);

/* Takes the next received byte, if one waits, into *taken, which may outlive this process, and tells
 * what it is. Bytes with framing errors and breaks are left out. */
bool uart_receive(struct uart *uart, struct sw_device_taken *taken, uint8_t *out_byte);

/* The byte that was taken; false: it is none. */
bool uart_taken(const struct sw_device_taken *taken, uint8_t *out_byte);

/* How many bytes can be put in now. */
unsigned uart_room(struct uart *uart);
void uart_send(struct uart *uart, uint8_t byte);
/* And writes `noted` to an aligned word, in one step with it. */
void uart_send_noted(struct uart *uart, uint8_t byte, void *note, uint64_t noted);

/* Whether the last bit has left. */
bool uart_idle(struct uart *uart);

/* Which UART_ON_* interrupts are wanted. */
void uart_want(struct uart *uart, uint32_t interrupts);

/* Around the handling of an interrupt: what comes up after the first is not lost, the second lets
 * it be delivered. */
void uart_interrupt_begin(struct uart *uart);
void uart_interrupt_end(struct uart *uart);
