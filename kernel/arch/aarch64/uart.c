/* The early console: a PL011 (DDI 0183G), polled. */
#include "arch.h"
#include "arch_registers.h"
#include "log.h"
#include "machine.h"

#define UARTDR 0x00
#define UARTFR 0x18
#define UARTCR 0x30
#define UARTIMSC 0x38
#define FR_RX_EMPTY (1 << 4)
#define FR_TX_FULL (1 << 5)
#define CR_ON 0x301 /* enabled, sending, receiving */

bool early_console_active;
static volatile uint8_t *uart;

static volatile uint32_t *at(uint32_t offset)
{
    return (volatile uint32_t *)(uart + offset);
}

void early_console_reset(void)
{
    if (!uart)
        return;
    *at(UARTIMSC) = 0;
    *at(UARTCR) = CR_ON;
}

void early_console_init(void)
{
    if (!machine.uart)
        return;
    uart = arch_device_map(machine.uart, PAGE_SIZE);
    early_console_reset();
    early_console_active = uart != NULL;
}

static void send(char byte)
{
    while (*at(UARTFR) & FR_TX_FULL)
        ;
    *at(UARTDR) = (uint8_t)byte;
}

void early_console_write(const char *text, size_t length)
{
    if (!uart)
        return;
    for (; length; length--, text++) {
        if (*text == '\n')
            send('\r');
        send(*text);
    }
}

int early_console_read(void)
{
    if (!uart || *at(UARTFR) & FR_RX_EMPTY)
        return -1;
    return *at(UARTDR) & 255;
}
