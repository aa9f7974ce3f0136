/* inputd: drives the virtio-input keyboards given to it; what is typed goes to consoled through a
 * pipe, as the bytes a serial terminal would send.
 *
 * Start handles: `device/N`, `keys` (the pipe's writer), `job` (its service's, MANAGE: slot N keeps
 * the memory of keyboard N), `serve`, and `log`, `names` if given. It calls nobody: consoled is
 * above it. It serves its channel without a protocol, so that init finds it when it loops. */
#include "keyboard.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/status.h>

#define KEYBOARDS_MAX 4
enum { KEY_CHANNEL = KEYBOARDS_MAX, KEY_ROOM }; /* port keys below: keyboards */

static struct keyboard keyboards[KEYBOARDS_MAX];
static uint32_t keyboard_count;
static bool watching; /* the pipe, for room */

static _Noreturn void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

/* The pipe is bound only while somebody waits for room: bindings are level-triggered. */
static void watch_room(struct sw_server *server)
{
    handle_t keys = keyboards[0].keys;
    bool wanted = false;
    for (uint32_t i = 0; i < keyboard_count; i++)
        wanted = wanted || keyboards[i].stalled;
    if (wanted == watching)
        return;
    status_t status = wanted ? sw_port_bind(server->port, keys, SW_PIPE_WRITABLE, KEY_ROOM)
                             : sw_port_unbind(server->port, keys);
    if (status != SW_OK)
        fail("watching the pipe", status);
    watching = wanted;
}

static void on_event(struct sw_server *server, const struct sw_event *event)
{
    if (event->key < keyboard_count)
        keyboard_interrupt(&keyboards[event->key]);
    for (uint32_t i = 0; event->key == KEY_ROOM && i < keyboard_count; i++)
        if (keyboards[i].stalled)
            keyboard_go_on(&keyboards[i]);
    watch_room(server);
}

static status_t on_message(struct sw_server *server, struct sw_request *request)
{
    (void)server, (void)request;
    return SW_NOT_SUPPORTED;
}

static void open_all(handle_t port)
{
    const struct sw_start_handle *entry;
    for (size_t i = 0; (entry = sw_start_handle_at(i)) && keyboard_count < KEYBOARDS_MAX; i++) {
        if (strncmp(sw_start_text(entry->offset), "device/", strlen("device/")) != 0)
            continue;
        struct keyboard *keyboard = &keyboards[keyboard_count];
        keyboard_open(keyboard, entry->handle, sw_start_get("keys"), sw_start_get("job"),
                      keyboard_count);
        if (keyboard->state == KEYBOARD_READY) {
            status_t status = sw_port_bind(port, entry->handle, UINT64_MAX, keyboard_count);
            if (status != SW_OK)
                fail("interrupt", status);
        }
        keyboard_count++;
    }
    /* What is in the rings already; not before all have looked at what the pipe was given, for what
     * one types another would take for its own. */
    for (uint32_t i = 0; i < keyboard_count; i++)
        if (keyboards[i].state == KEYBOARD_READY)
            keyboard_interrupt(&keyboards[i]);
}

int main(void)
{
    struct sw_server server = { .message = on_message, .event = on_event };
    status_t status = sw_server_serve(&server, sw_start_get("serve"), KEY_CHANNEL);
    if (status != SW_OK)
        fail("serve", status);
    open_all(server.port);
    watch_room(&server);
    status = sw_service_ready();
    if (status != SW_OK && status != SW_NOT_FOUND) /* NOT_FOUND: nobody to tell */
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    fail("wait", sw_server_run(&server));
}
