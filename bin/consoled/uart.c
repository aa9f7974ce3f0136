/* The PL011 serial port; see uart.h. */
#include "uart.h"
#include <stdlib.h>
#include <swos/clock.h>
#include <swos/log.h>

/* Registers and bits: DDI 0183 chapter 3. */
enum {
    DR = 0x00,
    FR = 0x18,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    ICR = 0x44,
    DR_ERRORS = 0x700, /* framing, parity, break; an overrun byte is good itself */
    FR_BUSY = 0x08,
    FR_RX_EMPTY = 0x10,
    FR_TX_FULL = 0x20,
    FR_TX_EMPTY = 0x80,
    LCR_8_BITS_FIFO = 0x70,
    CR_ENABLE_TX_RX = 0x301,
    IFLS_HALF = 0x12,
    ICR_ALL = 0x7ff,
};

#define FIFO_BYTES 16
#define FIFO_DRAINS (3 * SW_MILLISECOND) /* 17 characters of 10 bits at 115200 baud take half */

static void lease_ended(void)
{
    sw_log(SW_LOG_ERROR, "the serial port's lease has ended");
    exit(1);
}

static uint32_t get(struct uart *uart, uint32_t offset)
{
    uint64_t value = 0;
    if (sw_device_read(uart->device, offset, 4, &value) != SW_OK)
        lease_ended();
    return (uint32_t)value;
}

static void set(struct uart *uart, uint32_t offset, uint32_t value)
{
    if (sw_device_write(uart->device, offset, 4, value) != SW_OK)
        lease_ended();
}

/* The line control register is written only when it changes: a change of the FIFO bit empties
 * the FIFO, and what was typed while a predecessor was dying is in there. It may change only while
 * nothing is being sent (3.3.7); what the kernel's console has sent last gets the time it needs.
 * The speed is left as the firmware set it. */
status_t uart_start(struct uart *uart, handle_t device)
{
    status_t status = sw_device_claim(device);
    if (status != SW_OK)
        return status;
    *uart = (struct uart){ .device = device };
    set(uart, IMSC, 0);
    if (get(uart, LCR_H) != LCR_8_BITS_FIFO) {
        if (!uart_idle(uart))
            sw_clock_sleep(sw_clock_deadline(FIFO_DRAINS));
        set(uart, CR, 0);
        set(uart, LCR_H, LCR_8_BITS_FIFO);
    }
    set(uart, IFLS, IFLS_HALF);
    set(uart, ICR, ICR_ALL);
    set(uart, CR, CR_ENABLE_TX_RX);
    return sw_device_reset(device);
}

bool uart_taken(const struct sw_device_taken *taken, uint8_t *out_byte)
{
    *out_byte = (uint8_t)taken->value;
    return taken->taken && !(taken->value & DR_ERRORS);
}

bool uart_receive(struct uart *uart, struct sw_device_taken *taken, uint8_t *out_byte)
{
    while (!(get(uart, FR) & FR_RX_EMPTY)) {
        if (sw_device_take(uart->device, DR, 4, taken) != SW_OK)
            lease_ended();
        if (uart_taken(taken, out_byte))
            return true;
    }
    return false;
}

unsigned uart_room(struct uart *uart)
{
    uint32_t flags = get(uart, FR);
    if (flags & FR_TX_EMPTY)
        return FIFO_BYTES;
    return flags & FR_TX_FULL ? 0 : 1;
}

void uart_send(struct uart *uart, uint8_t byte)
{
    set(uart, DR, byte);
}

void uart_send_noted(struct uart *uart, uint8_t byte, void *note, uint64_t noted)
{
    if (sw_device_put(uart->device, DR, 4, byte, note, noted) != SW_OK)
        lease_ended();
}

bool uart_idle(struct uart *uart)
{
    return !(get(uart, FR) & FR_BUSY);
}

void uart_want(struct uart *uart, uint32_t interrupts)
{
    if (uart->interrupts == interrupts)
        return;
    uart->interrupts = interrupts;
    set(uart, IMSC, interrupts);
}

/* Only the transmit interrupt is an edge to be cleared; the receive ones follow the FIFO. Cleared
 * before the FIFO is filled: after it, the edge of its draining could be the one that is lost. */
void uart_interrupt_begin(struct uart *uart)
{
    set(uart, ICR, UART_ON_TRANSMIT);
}

void uart_interrupt_end(struct uart *uart)
{
    if (sw_device_ack(uart->device) != SW_OK)
        lease_ended();
}
