/* The other side of each protocol as an enemy. What is sent and answered follows the tables of
 * runtime/abi: operations, and fields at the places of real ones.
 *
 *   hostile client SEED COUNT    sends COUNT malformed requests to each server a session can reach;
 *       then each must still answer an honest one (client.c)
 *   hostile server SEED COUNT    gives clients wrong answers: sizes, counts, handles, deferred ones,
 *       and deaths; they do COUNT operations, however those end, and stay small (server.c)
 *   hostile service OPTIONS      as a service, which gets the disks: a client of their driver, and
 *       the driver of another imgfs (client.c, disk.c), then lies in the packet pool (packets.c); the
 *       file OPTIONS holds SEED and COUNT
 *   hostile enemy                as a service: the server of everything init asks (enemy.c)
 *   hostile rules                how often requests are sent (rules.c) */
#include "hostile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int service(const char *options)
{
    unsigned long long seed;
    unsigned count;
    FILE *file = fopen(options, "r");

    if (!file)
        return 0; /* the system starts it; a test has not */
    int fields = fscanf(file, "%llu %u", &seed, &count);
    fclose(file);
    if (fields != 2)
        return 2;
    printf("# seed %llu, count %u\n", seed, count);
    random_state = seed;
    int result = service_client(count);
    if (result == 0)
        result = service_disk(count);
    return result != 0 ? result : service_packets(count);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;

    if (argc == 2 && !strcmp(kind, "rules"))
        return rules();
    if (argc == 3 && !strcmp(kind, "service"))
        return service(argv[2]);
    if (argc == 2 && !strcmp(kind, "enemy"))
        return enemy();
    if (argc != 4)
        return 2;
    random_state = strtoull(argv[2], NULL, 10);
    if (!strcmp(kind, "client"))
        return client(count);
    if (!strcmp(kind, "server"))
        return server(argv[2], count);
    if (!strcmp(kind, "victim"))
        return victim(count);
    return 2;
}
