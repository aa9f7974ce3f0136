/* drvinputd: the driver that drvsvcdemo supervises (protocol `driver`). It has no device at its
 * start; it drives the one it is sent. */
#include <stdio.h>
#include <stdlib.h>
#include <swos/protocol.h>
#include <swos/server.h>
#include <swos/start.h>
#include <swos/status.h>

#define FIRST_REGISTER 0

static struct sw_server server;
static handle_t device; /* 0: none adopted */
static uint32_t sequence;

static status_t handle_ready(struct sw_request *request, const struct sw_driver_ready_request *in,
                             struct sw_driver_ready_reply *out)
{
    struct sw_process_info info = { 0 };
    status_t status = sw_process_info(0, &info);
    (void)request, (void)in;
    out->pid = info.pid;
    return status;
}

static status_t handle_adopt(struct sw_request *request, const struct sw_driver_adopt_request *in,
                             struct sw_driver_adopt_reply *out)
{
    struct sw_device_info info = { 0 };
    (void)in;
    if (device || request->event.received_count != 1)
        return SW_INVALID;
    status_t status = sw_device_claim(request->event.received[0]);
    if (status != SW_OK)
        return status;
    device = request->event.received[0];
    request->event.received[0] = 0; /* ours now */
    if ((status = sw_device_info(device, &info)) != SW_OK)
        return status;
    out->generation = info.generation;
    printf("drvinputd: C5b device grant accepted\n");
    fflush(stdout);
    return SW_OK;
}

static status_t handle_event(struct sw_request *request, const struct sw_driver_event_request *in,
                             struct sw_driver_event_reply *out)
{
    uint64_t value = 0;
    (void)request, (void)in;
    if (!device)
        return SW_BAD_STATE;
    status_t status = sw_device_read(device, FIRST_REGISTER, 4, &value);
    out->value = (uint32_t)value;
    out->sequence = ++sequence;
    return status;
}

static status_t handle_stop(struct sw_request *request, const struct sw_driver_stop_request *in,
                            struct sw_driver_stop_reply *out)
{
    (void)request, (void)in, (void)out;
    server.stop = 1;
    return SW_OK;
}

static const struct sw_driver_handlers handlers = {
    .ready = handle_ready,
    .adopt = handle_adopt,
    .event = handle_event,
    .stop = handle_stop,
};

static status_t on_message(struct sw_server *at, struct sw_request *request)
{
    (void)at;
    return sw_driver_dispatch(&handlers, request);
}

int main(void)
{
    server = (struct sw_server){ .message = on_message };
    status_t status = sw_server_serve(&server, sw_start_get("serve"), 0);
    if (status == SW_OK)
        status = sw_server_run(&server);
    if (status != SW_OK)
        fprintf(stderr, "drvinputd: %s\n", sw_status_text(status));
    return status == SW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
