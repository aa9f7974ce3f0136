/* nicd: driver of a virtio-net card, whose packets netd makes and takes (bin/nicd/card.h).
 *
 * Start handles: `device/N` (the first that works is used), `pool` (the packet pool), `wake/nicd`
 * (event that wakes us), `wake/netd` (event that wakes netd), `serve`, `job`, and `log`, `names` if given.
 * One thread; nothing waits for it but by the protocol `nic`, so init finds it when it hangs. */
#include "card.h"
#include <stdlib.h>
#include <string.h>
#include <swos/log.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/service.h>
#include <swos/start.h>
#include <swos/statistics.h>
#include <swos/status.h>

enum key { KEY_CHANNEL, KEY_DEVICE, KEY_WAKE };

static struct sw_server server;
static struct card card;
static handle_t wake_us, wake_stack;

static _Noreturn void fail(const char *what, status_t status)
{
    sw_log(SW_LOG_ERROR, "%s: %s", what, sw_status_text(status));
    exit(1);
}

static void work(void)
{
    bool wake = false, more = card_work(&card, &wake);

    if (card.receive.broken || card.transmit.broken)
        fail("the card breaks the virtio protocol", SW_IO); /* a successor tries it anew */
    if (wake)
        sw_event_update(wake_stack, 0, 1, NULL);
    if (more) /* others' events come first */
        sw_event_update(wake_us, 0, 1, NULL);
}

static void on_event(struct sw_server *from, const struct sw_event *event)
{
    (void)from;
    if (event->key == KEY_WAKE) {
        sw_event_update(wake_us, 1, 0, NULL);
        work();
        return;
    }
    if (virtio_acknowledge(&card.device) & 2) {
        bool before = card.link;

        card_look(&card);
        if (card.link != before)
            sw_log(SW_LOG_INFO, "link %s", card.link ? "up" : "down");
        sw_event_update(wake_stack, 0, 1, NULL);
    }
    work();
    virtio_unmask(&card.device);
}

static status_t handle_info(struct sw_request *request, const struct sw_nic_info_request *in,
                            struct sw_nic_info_reply *out)
{
    const uint64_t *counts = card.counts;

    (void)request, (void)in;
    memcpy(out->address, card.address, sizeof(out->address));
    out->mtu = card.mtu;
    out->link = card.link;
    out->received = counts[COUNT_RECEIVED];
    out->received_bytes = counts[COUNT_RECEIVED_BYTES];
    out->received_dropped = counts[COUNT_RECEIVED_DROPPED];
    out->received_errors = counts[COUNT_RECEIVED_ERRORS];
    out->sent = counts[COUNT_SENT];
    out->sent_bytes = counts[COUNT_SENT_BYTES];
    out->sent_dropped = counts[COUNT_SENT_DROPPED];
    out->sent_errors = counts[COUNT_SENT_ERRORS];
    return SW_OK;
}

static const struct sw_nic_handlers handlers = { .info = handle_info };

static status_t on_message(struct sw_server *from, struct sw_request *request)
{
    (void)from;
    return sw_nic_dispatch(&handlers, request);
}

/* Starts the first card that works; *out_device is it. */
static status_t open_any(handle_t *out_device)
{
    const struct sw_start_handle *entry;
    status_t status = SW_NOT_FOUND;

    for (size_t i = 0; status != SW_OK && (entry = sw_start_handle_at(i)); i++) {
        if (strncmp(sw_start_text(entry->offset), "device/", strlen("device/")) == 0) {
            *out_device = entry->handle;
            status = card_open(&card, entry->handle, sw_start_get("pool"), sw_start_get("job"));
        }
    }
    return status;
}

int main(void)
{
    static uint64_t uncounted[COUNTS]; /* without a page to count in */
    handle_t device = 0;

    server = (struct sw_server){ .message = on_message, .event = on_event };
    wake_us = sw_start_get("wake/nicd");
    wake_stack = sw_start_get("wake/netd");
    status_t status = sw_server_serve(&server, sw_start_get("serve"), KEY_CHANNEL);
    if (status != SW_OK)
        fail("serve", status);
    sw_statistics_open();
    card.counts = sw_statistics_own() ? sw_statistics_own() : uncounted;
    status = open_any(&device);
    if (status == SW_VERSION)
        sw_log(SW_LOG_ERROR, "the card " VIRTIO_LEGACY_MESSAGE);
    if (status != SW_OK)
        fail("no card can be started", status);
    if ((status = sw_port_bind(server.port, device, UINT64_MAX, KEY_DEVICE)) != SW_OK ||
        (status = sw_port_bind(server.port, wake_us, UINT64_MAX, KEY_WAKE)) != SW_OK)
        fail("binding", status);
    sw_event_update(wake_us, 0, 1, NULL); /* buffers for the card, frames a predecessor had */
    sw_event_update(wake_stack, 0, 1, NULL);
    if ((status = sw_service_ready()) != SW_OK && status != SW_NOT_FOUND)
        sw_log(SW_LOG_WARNING, "ready: %s", sw_status_text(status));
    fail("wait", sw_server_run(&server));
}
