/* Measures a disk through its driver: reads it from the start in requests of 1 MiB, each as soon as
 * the one before is answered, and logs a row as bench.c prints it. Runs in the place of consoled in
 * a boot bundle of its own, for no session may talk to a driver; without consoled the kernel prints
 * the log itself. */
#include <stdint.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/protocol.h>
#include <swos/start.h>
#include <swos/status.h>

#define SECTOR 512u
#define PIECE (1u << 20)
#define PIECES 30
#define ROUNDS 20

static status_t read_pieces(handle_t disk, handle_t memory, uint32_t count)
{
    status_t status = SW_OK;

    for (uint32_t i = 0; i < count && status == SW_OK; i++)
        status = sw_block_read(disk, (uint64_t)i * (PIECE / SECTOR), PIECE / SECTOR, 0, memory,
                               SW_NEVER);
    return status;
}

int main(void)
{
    handle_t disk = sw_start_get("disk/0"), memory;
    status_t status = sw_memory_create(PIECE, SW_MEMORY_COMMIT, &memory);

    if (status == SW_OK)
        status = read_pieces(disk, memory, PIECES);
    for (int round = 0; round < ROUNDS && status == SW_OK; round++) {
        uint64_t started = sw_clock_monotonic();

        status = read_pieces(disk, memory, PIECES);
        sw_log(SW_LOG_INFO, "row disk %u %llu 0 %llu", PIECES,
               (unsigned long long)(sw_clock_monotonic() - started),
               (unsigned long long)PIECES * PIECE);
    }
    sw_log(SW_LOG_INFO, "bench done: %s", sw_status_name(status));
    sw_clock_sleep(SW_NEVER);
    return 0;
}
