/* Processes whose crash records are hard to make:
 *   crash_lies frames    back-traces that lead round in circles, into nothing, and on for ever
 *   crash_lies crowd     more threads and handles than a record has room for
 *   crash_lies server    it serves two calls of its own threads, one of them secret
 *   crash_lies past      the buffer of a call that is over holds a secret now */
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/protocol.h>
#include <swos/start.h>
#include <swos/thread.h>

#define CROWD_HANDLES 300
#define CROWD_THREADS 40

static handle_t connection;

/* Faults at an address with the frame pointer wherever a liar wants it. */
static void fault_with_frame(uintptr_t frame, uintptr_t address)
{
    __asm__ volatile("mov x29, %0\n\tstr wzr, [%1]" : : "r"(frame), "r"(address) : "memory");
}

static void *fault_in_thread(void *argument)
{
    fault_with_frame((uintptr_t)argument, 0xbad10);
    return NULL;
}

static int frames(const char *which)
{
    static uint64_t chain[64][2];

    for (int i = 0; i < 64; i++) {
        chain[i][0] = (uintptr_t)chain[i + 1];
        chain[i][1] = 0x1000u + (unsigned)i;
    }
    if (strcmp(which, "circle") == 0)
        chain[3][0] = (uintptr_t)chain[1];
    else if (strcmp(which, "nothing") == 0)
        chain[3][0] = 0x7ffffff000;
    else if (strcmp(which, "kernel") == 0)
        chain[3][0] = 0xffffffffc0001000;
    else if (strcmp(which, "odd") == 0)
        chain[3][0] += 4;
    fault_in_thread(chain[0]);
    return 0;
}

static void *asleep(void *argument)
{
    uint32_t word = 0;

    (void)argument;
    sw_futex_wait((uintptr_t)&word, 0, SW_NEVER);
    return NULL;
}

static int crowd(void)
{
    struct sw_thread *thread;
    handle_t event;

    for (int i = 0; i < CROWD_HANDLES; i++)
        sw_event_create(&event);
    for (int i = 0; i < CROWD_THREADS; i++)
        if (sw_thread_start(asleep, NULL, 16384, &thread) != SW_OK)
            return 1;
    fault_in_thread(NULL);
    return 0;
}

static void *ask_mode(void *argument)
{
    (void)argument;
    sw_terminal_set_mode(connection, 5, 2, SW_NEVER);
    return NULL;
}

static void *ask_login(void *argument)
{
    struct sw_auth_login_reply reply;
    char shell[32];
    handle_t job;

    (void)argument;
    sw_auth_login(connection, "nobody", 6, "tell-no-one", 11, &reply, shell, sizeof(shell), &job,
                  SW_NEVER);
    return NULL;
}

static int server(void)
{
    static uint8_t message[512];
    struct sw_wait wait = { .buffer = (uintptr_t)message, .capacity = sizeof(message) };
    struct sw_thread *thread;
    handle_t channel, port;

    if (sw_channel_create(&channel) != SW_OK || sw_port_create(&port) != SW_OK ||
        sw_channel_serve(channel, port, 0) != SW_OK ||
        sw_connection_create(channel, 77, &connection) != SW_OK ||
        sw_thread_start(ask_login, NULL, 0, &thread) != SW_OK ||
        sw_port_wait(port, &wait, SW_NEVER) != SW_OK ||
        sw_thread_start(ask_mode, NULL, 0, &thread) != SW_OK ||
        sw_port_wait(port, &wait, SW_NEVER) != SW_OK)
        return 1;
    fault_in_thread(NULL);
    return 0;
}

static int past(void)
{
    static union {
        struct sw_names_list_request list;
        char secret[16];
    } request = { .list.header = { SW_PROTOCOL_NAMES, SW_PROTOCOL_NAMES_VERSION,
                                   SW_OP_NAMES_LIST } };
    static uint8_t reply[64];
    struct sw_call call = { .request = (uintptr_t)&request,
                            .request_length = sizeof(request.list),
                            .reply = (uintptr_t)reply,
                            .reply_capacity = sizeof(reply) };
    uint32_t length, received;

    if (sw_call(sw_start_get("names"), &call, SW_NEVER, &length, &received) != SW_OK)
        return 1;
    memcpy(request.secret, "tell-no-one-now!", sizeof(request.secret));
    fault_in_thread(NULL);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "frames") == 0)
        return frames(argv[2]);
    if (argc > 1 && strcmp(argv[1], "crowd") == 0)
        return crowd();
    if (argc > 1 && strcmp(argv[1], "server") == 0)
        return server();
    if (argc > 1 && strcmp(argv[1], "past") == 0)
        return past();
    return 2;
}
