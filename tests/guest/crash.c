/* Ends by a fault: writes to the address given (hexadecimal), three calls deep. */
#include <stdint.h>
#include <stdlib.h>

static __attribute__((noinline)) int write_there(uintptr_t address)
{
    *(volatile uint32_t *)address = 1;
    return 1;
}

static __attribute__((noinline)) int deeper(uintptr_t address)
{
    return write_there(address) + 1;
}

int main(int argc, char **argv)
{
    return argc > 1 ? deeper(strtoul(argv[1], NULL, 16)) + 1 : 2;
}
