/* See metrics.h. */
#include "metrics.h"
#include <stdlib.h>
#include <swos/clock.h>
#include <swos/log.h>
#include <swos/protocol.h>
#include <swos/service.h>

#define PAGE_MOST (256u << 10)
#define OWN_MOST 4096u /* behind it */
#define PATIENCE (5 * SW_SECOND)
#define SUCCESSORS_MOST 8

static handle_t port, connection, call;
static uint64_t port_key;
static bool is_asked;
static uint32_t successors; /* of this question */
static char *page;
static struct sw_metrics_read_request request;
static struct sw_metrics_read_reply reply;
static struct sw_call buffers;

static const int statuses[] = { 200, 206, 301, 304, 400, 403, 404, 405, 408,
                                411, 413, 414, 416, 417, 431, 500, 503, 505 };
static uint64_t responses[sizeof(statuses) / sizeof(statuses[0])], sent_bytes;

void metrics_count(int status, uint64_t bytes)
{
    sent_bytes += bytes;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        responses[i] += statuses[i] == status;
}

void metrics_open(handle_t to, uint64_t key)
{
    port = to;
    port_key = key;
}

static status_t post(void)
{
    request.header = (struct sw_request_header){ .protocol = SW_PROTOCOL_METRICS,
                                                 .version = SW_PROTOCOL_METRICS_VERSION,
                                                 .operation = SW_OP_METRICS_READ };
    reply = (struct sw_metrics_read_reply){ 0 };
    buffers = (struct sw_call){
        .request = (uintptr_t)&request,
        .request_length = sizeof(request),
        .reply = (uintptr_t)&reply,
        .reply_capacity = sizeof(reply),
        .data = (uintptr_t)page,
        .data_length = PAGE_MOST,
        .flags = SW_CALL_DATA_OUT,
    };
    return sw_call_post(call, connection, &buffers, port, port_key, sw_clock_deadline(PATIENCE));
}

status_t metrics_ask(void)
{
    status_t status = SW_OK;

    if (is_asked)
        return SW_OK;
    if (!connection && (status = sw_service_connect("metrics", SW_NEVER, &connection)) != SW_OK)
        return status;
    if (!call && (status = sw_call_create(&call)) != SW_OK)
        return status;
    if (!page && !(page = malloc(PAGE_MOST + OWN_MOST)))
        return SW_NO_MEMORY;
    successors = 0;
    status = post();
    if (status == SW_SERVER_REPLACED && (status = sw_connection_accept(connection)) == SW_OK)
        status = post();
    is_asked = status == SW_OK;
    return status;
}

/* Our own families behind the system's; the length of all. */
static size_t add_own(size_t length)
{
    size_t end = PAGE_MOST + OWN_MOST;
    bool begun = false;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (responses[i] == 0)
            continue;
        if (!begun)
            length += sw_format(page + length, end - length,
                                "# HELP httpd_responses_total Responses, by status.\n"
                                "# TYPE httpd_responses_total counter\n");
        begun = true;
        length +=
            sw_format(page + length, end - length, "httpd_responses_total{code=\"%d\"} %llu\n",
                      statuses[i], (unsigned long long)responses[i]);
    }
    return length + sw_format(page + length, end - length,
                              "# HELP httpd_body_bytes_total Bytes of bodies of responses.\n"
                              "# TYPE httpd_body_bytes_total counter\n"
                              "httpd_body_bytes_total %llu\n",
                              (unsigned long long)sent_bytes);
}

bool metrics_take(status_t *out_status, const char **out_text, size_t *out_length)
{
    uint32_t reply_length = 0, received = 0;
    status_t status = sw_call_collect(call, &buffers, &reply_length, &received);

    is_asked = false;
    buffers.received_count = received;
    sw_surplus_close(&buffers, 0);
    if ((status == SW_SERVER_REPLACED || status == SW_PEER_DIED) &&
        successors++ < SUCCESSORS_MOST &&
        (status == SW_PEER_DIED || sw_connection_accept(connection) == SW_OK) && post() == SW_OK) {
        is_asked = true;
        return false;
    }
    if (status == SW_OK && reply_length < sizeof(reply.header))
        status = SW_BAD_MESSAGE;
    if (status == SW_OK && reply.header.status != SW_OK)
        status = reply.header.status;
    if (status == SW_OK && (reply_length < sizeof(reply) || reply.bytes > PAGE_MOST))
        status = SW_BAD_MESSAGE;
    *out_status = status;
    *out_text = page;
    *out_length = status == SW_OK ? add_own(reply.bytes) : 0;
    return true;
}
