/* Requests and responses of one connection. See connection.h. */
#include "connection.h"
#include "access_log.h"
#include "listing.h"
#include "metrics.h"
#include "request.h"
#include "server.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/log.h>

#define HEAD_MOST 2048u /* of a response */
#define LOCATION_MOST 1200u
#define REQUESTS_A_TURN 16
#define PATH_INDEX "index.html"

/* ------------------------------------------------------------------ responses */

/* A response as it is put together. */
struct response {
    int status;
    const char *type;
    uint64_t length; /* of its body, whether that is sent or not */
    bool has_no_body;
    struct text content,
        fields; /* of a file: its type and length, and what else there is; made before */
    char more[LOCATION_MOST + 256]; /* further fields, each with its line ending */
    size_t more_length;
};

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 200, "OK" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 411, "Length Required" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

__attribute__((format(printf, 2, 3))) static void field_add(struct response *response,
                                                            const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    response->more_length +=
        sw_format_list(response->more + response->more_length,
                       sizeof(response->more) - response->more_length, format, arguments);
    va_end(arguments);
}

/* What fits of the bytes; how many. */
static size_t put_bytes(struct sw_socket *socket, const char *bytes, size_t length)
{
    size_t done = 0, room;
    uint8_t *at;

    while (done < length && (room = sw_socket_room(socket, &at)) > 0) {
        if (room > length - done)
            room = length - done;
        memcpy(at, bytes + done, room);
        sw_socket_put(socket, room);
        done += room;
    }
    return done;
}

/* A response's head as it grows. Most are put together from pieces made before: formatting is half of what
 * a small response costs otherwise. */
struct head {
    char text[HEAD_MOST];
    size_t length;
};

static void head_add(struct head *head, const char *text, size_t length)
{
    if (length > sizeof(head->text) - head->length)
        length = sizeof(head->text) - head->length;
    memcpy(head->text + head->length, text, length);
    head->length += length;
}

__attribute__((format(printf, 2, 3))) static void head_format(struct head *head, const char *format,
                                                              ...)
{
    va_list arguments;

    va_start(arguments, format);
    head->length += sw_format_list(head->text + head->length, sizeof(head->text) - head->length,
                                   format, arguments);
    va_end(arguments);
}

/* The fields every response has; the date is a new one each second. */
static void head_add_common(struct head *head)
{
    static char text[64 + HTTP_DATE_SIZE];
    static size_t length;
    static int64_t made = -1;

    if (server_time() != made) {
        char date[HTTP_DATE_SIZE];
        made = server_time();
        http_date(made, date);
        length = sw_format(text, sizeof(text), "Server: swos\r\nDate: %s\r\n", date);
    }
    head_add(head, text, length);
}

/* init asks for /health now and then, to see that we live (docs/services.md); the log is for others. */
static bool is_probe(const struct connection *connection, const struct request *request,
                     const struct response *response)
{
    static const uint8_t own6[16] = { [15] = 1 };
    const struct sw_socket_address *from = &connection->from;

    return response->status == 200 && !request->directory && !strcmp(request->path, "health") &&
           (from->family == SW_NET_IPV4 ? from->bytes[0] == 127
                                        : !memcmp(from->bytes, own6, sizeof(own6)));
}

static void write_access(const struct connection *connection, const struct request *request,
                         const struct response *response)
{
    struct text path = request->target;

    if (is_probe(connection, request, response))
        return;
    if (!path.at) /* there was no request line to speak of */
        path = (struct text){ "-", 1 };
    if (!server_details()) {
        access_log_request(response->status, path.at, path.length);
        return;
    }
    const uint8_t *from = connection->from.bytes;
    char who[48];
    if (connection->from.family == SW_NET_IPV4)
        sw_format(who, sizeof(who), "%d.%d.%d.%d", from[0], from[1], from[2], from[3]);
    else
        for (size_t i = 0, at = 0; i < 16; i += 2)
            at += sw_format(who + at, sizeof(who) - at, i ? ":%x" : "%x",
                            (unsigned)from[i] << 8 | from[i + 1]);
    access_log("%d %.*s %.*s %llu bytes to %s port %d", response->status, (int)path.length, path.at,
               (int)request->method_name.length,
               request->method_name.at ? request->method_name.at : "",
               (unsigned long long)(response->has_no_body ? 0 : response->length), who,
               (int)connection->from.port);
}

/* Puts the head into the ring, what does not fit beside it, and says so in the log. What is in file or
 * memory of the connection follows. */
static void respond(struct connection *connection, const struct request *request,
                    struct response *response)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n", close[] = "Connection: close\r\n";
    struct head head;
    size_t done;

    connection->last |= !request->keep_alive;
    head.length = 0;
    if (response->status == 200)
        head_add(&head, ok, sizeof(ok) - 1);
    else
        head_format(&head, "HTTP/1.1 %d %s\r\n", response->status, reason(response->status));
    head_add_common(&head);
    if (response->content.at)
        head_add(&head, response->content.at, response->content.length);
    else if (response->status != 304)
        head_format(&head, "Content-Type: %s\r\nContent-Length: %llu\r\n", response->type,
                    (unsigned long long)response->length);
    if (response->fields.at)
        head_add(&head, response->fields.at, response->fields.length);
    head_add(&head, response->more, response->more_length);
    if (connection->last)
        head_add(&head, close, sizeof(close) - 1);
    head_add(&head, "\r\n", 2);
    done = put_bytes(connection->socket, head.text, head.length);
    if (done < head.length) {
        connection->head = malloc(head.length - done);
        connection->head_left = head.length - done;
        if (connection->head)
            memcpy(connection->head, head.text + done, head.length - done);
    }
    response->has_no_body = request->method == REQUEST_HEAD || response->status == 304;
    connection->left = response->has_no_body ? 0 : response->length;
    connection->state = SENDING;
    server_deadline(connection, DEADLINE_SEND);
    metrics_count(response->status, connection->left);
    write_access(connection, request, response);
}

/* The body is a copy of the text. */
static void respond_text(struct connection *connection, const struct request *request,
                         struct response *response, const char *text, size_t length)
{
    response->length = length;
    connection->memory = malloc(length);
    if (connection->memory) {
        memcpy(connection->memory, text, length);
    } else { /* the head still says what it is */
        response->length = 0;
        connection->last = true;
    }
    connection->offset = 0;
    respond(connection, request, response);
}

static void respond_status(struct connection *connection, const struct request *request,
                           struct response *response, int status)
{
    char text[64];

    response->status = status;
    response->type = "text/plain; charset=utf-8";
    size_t length = sw_format(text, sizeof(text), "%d %s\n", status, reason(status));
    respond_text(connection, request, response, text, length);
}

/* ------------------------------------------------------------------ files */

/* Whether the client has the file already (RFC 9110, 13.2.2). */
static bool is_unmodified(const struct request *request, const struct file *file)
{
    if (request->if_none_match.at)
        return etag_is_listed(request->if_none_match, file->etag);
    if (!request->if_modified_since.at || file->modified < 0)
        return false;
    int64_t since = http_date_read(request->if_modified_since);
    return since >= 0 && file->modified <= since;
}

/* Whether a range is of the file as the client knows it. */
static bool range_holds(const struct request *request, const struct file *file)
{
    struct text known = request->if_range;

    if (!known.at)
        return true;
    if (known.length > 0 && known.at[0] == '"')
        return known.length == strlen(file->etag) && !memcmp(known.at, file->etag, known.length);
    return file->modified >= 0 && http_date_read(known) == file->modified;
}

/* Takes the reference to the file. */
static void respond_file(struct connection *connection, const struct request *request,
                         struct response *response, struct file *file)
{
    uint64_t first = 0, last = 0;
    enum range range = RANGE_ALL;

    response->status = 200;
    response->type = file->type;
    response->length = file->size;
    if (is_unmodified(request, file)) {
        response->status = 304;
    } else if (request->method == REQUEST_GET && range_holds(request, file)) {
        range = range_read(request->range, file->size, &first, &last);
    }
    if (range == RANGE_NOT_THERE) {
        field_add(response, "Content-Range: bytes */%llu\r\n", (unsigned long long)file->size);
        file_put(file);
        respond_status(connection, request, response, 416);
        return;
    }
    response->fields = (struct text){ file->fields, file->fields_length };
    if (response->status == 200 && range == RANGE_ALL)
        response->content = (struct text){ file->content, file->content_length };
    if (range == RANGE_PART) {
        response->status = 206;
        response->length = last - first + 1;
        field_add(response, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)first,
                  (unsigned long long)last, (unsigned long long)file->size);
    }
    connection->file = file;
    connection->offset = first;
    respond(connection, request, response);
}

static int status_of(status_t status)
{
    switch (status) {
    case SW_NOT_FOUND:
    case SW_NOT_DIRECTORY:
    case SW_NAME_TOO_LONG:
        return 404;
    case SW_ACCESS:
        return 403;
    case SW_QUOTA:
    case SW_NO_MEMORY:
        return 503;
    default:
        return 500;
    }
}

static void respond_directory(struct connection *connection, const struct request *request,
                              struct response *response)
{
    char path[REQUEST_TARGET_MAX + sizeof(PATH_INDEX) + 1];
    struct file *file;
    char *page;
    size_t length = 0;

    if (request->path_length > 0) {
        memcpy(path, request->path, request->path_length);
        length = request->path_length;
        path[length++] = '/';
    }
    memcpy(path + length, PATH_INDEX, sizeof(PATH_INDEX));
    status_t status = file_get(path, length + sizeof(PATH_INDEX) - 1, server_now(), &file);
    if (status == SW_OK) {
        respond_file(connection, request, response, file);
        return;
    }
    if (status == SW_NOT_FOUND)
        status = listing_make(request->path, request->path_length, &page, &length);
    if (status != SW_OK) {
        respond_status(connection, request, response, status_of(status));
        return;
    }
    response->status = 200;
    response->type = "text/html; charset=utf-8";
    response->length = length;
    connection->memory = page;
    connection->offset = 0;
    respond(connection, request, response);
}

static void respond_path(struct connection *connection, const struct request *request,
                         struct response *response)
{
    struct file *file;

    if (request->directory) {
        respond_directory(connection, request, response);
        return;
    }
    status_t status = file_get(request->path, request->path_length, server_now(), &file);
    if (status == SW_OK) {
        respond_file(connection, request, response, file);
    } else if (status == SW_IS_DIRECTORY) {
        char location[LOCATION_MOST];
        size_t length = url_escape(request->path, request->path_length, location, sizeof(location));
        if (length <= sizeof(location))
            field_add(response, "Location: /%.*s/\r\n", (int)length, location);
        respond_status(connection, request, response, length <= sizeof(location) ? 301 : 414);
    } else {
        respond_status(connection, request, response, status_of(status));
    }
}

/* ------------------------------------------------------------------ requests */

static void answer(struct connection *connection, const struct request *request)
{
    struct response response = { 0 };

    if (request->method == REQUEST_OTHER) {
        field_add(&response, "Allow: GET, HEAD\r\n");
        respond_status(connection, request, &response, 405);
    } else if (request->outside) {
        respond_status(connection, request, &response, 404);
    } else if (!request->directory && !strcmp(request->path, "health")) {
        response.status = 200;
        response.type = "text/plain; charset=utf-8";
        respond_text(connection, request, &response, "ok\n", 3);
    } else if (!request->directory && !strcmp(request->path, "metrics")) {
        if (metrics_ask() != SW_OK) {
            respond_status(connection, request, &response, 503);
            return;
        }
        connection->state = ASKING;
        connection->asks_head = request->method == REQUEST_HEAD;
        connection->last |= !request->keep_alive;
        server_deadline(connection, DEADLINE_NONE); /* the question has one */
    } else {
        respond_path(connection, request, &response);
    }
}

/* What has come and was not taken, behind what came of the head before; in one piece. */
static const char *gather(struct connection *connection, size_t *out_length)
{
    static char text[REQUEST_HEAD_MAX];
    size_t length = connection->partial_length, skip = 0, part;
    const uint8_t *bytes;

    memcpy(text, connection->partial, length);
    while (length < sizeof(text) && (part = sw_socket_data(connection->socket, skip, &bytes)) > 0) {
        if (part > sizeof(text) - length)
            part = sizeof(text) - length;
        memcpy(text + length, bytes, part);
        length += part;
        skip += part;
    }
    *out_length = length;
    return text;
}

static bool keep_partial(struct connection *connection, const char *text, size_t length)
{
    char *partial = realloc(connection->partial, length);

    if (!partial)
        return false;
    memcpy(partial + connection->partial_length, text + connection->partial_length,
           length - connection->partial_length);
    sw_socket_take(connection->socket, length - connection->partial_length);
    connection->partial = partial;
    connection->partial_length = length;
    return true;
}

/* Takes what it can of the next `discard` bytes. */
static void discard(struct connection *connection)
{
    const uint8_t *bytes;
    size_t part;

    while (connection->discard > 0 && (part = sw_socket_data(connection->socket, 0, &bytes)) > 0) {
        if (part > connection->discard)
            part = (size_t)connection->discard;
        sw_socket_take(connection->socket, part);
        connection->discard -= part;
    }
}

enum connection_next connection_answered(struct connection *connection, status_t status,
                                         const char *text, size_t length)
{
    struct request request = { .method = connection->asks_head ? REQUEST_HEAD : REQUEST_GET,
                               .keep_alive = !connection->last,
                               .target = { "/metrics", 8 } };
    struct response response = { .status = 200,
                                 .type = "text/plain; version=0.0.4; charset=utf-8" };

    if (connection->state != ASKING)
        return CONNECTION_WAITS;
    request.method_name =
        connection->asks_head ? (struct text){ "HEAD", 4 } : (struct text){ "GET", 3 };
    if (status == SW_OK)
        respond_text(connection, &request, &response, text, length);
    else
        respond_status(connection, &request, &response, 503);
    return CONNECTION_GOES_ON;
}

enum step { STEP_DONE, STEP_WAITS_INPUT, STEP_WAITS_ROOM, STEP_WAITS_ANSWER, STEP_ENDS };

/* Reads a request, if it is there, and begins its response. */
static enum step step_reading(struct connection *connection)
{
    struct request request;
    size_t length, consumed;
    int status;

    discard(connection);
    if (connection->discard > 0)
        return STEP_WAITS_INPUT;
    const char *text = gather(connection, &length);
    if (length == connection->partial_length) {
        if (length == 0 && connection->deadline_kind != DEADLINE_IDLE)
            server_deadline(connection, DEADLINE_IDLE);
        return STEP_WAITS_INPUT;
    }
    status = request_parse(text, length, &request, &consumed);
    if (status == 0) {
        if (connection->deadline_kind != DEADLINE_HEAD)
            server_deadline(connection, DEADLINE_HEAD);
        return keep_partial(connection, text, length) ? STEP_WAITS_INPUT : STEP_ENDS;
    }
    if (status == 200) {
        sw_socket_take(connection->socket, consumed - connection->partial_length);
        connection->discard = request.body;
        answer(connection, &request);
    } else {
        struct response response = { 0 };
        request.keep_alive = false;
        connection->refused = true;
        respond_status(connection, &request, &response, status);
    }
    free(connection->partial);
    connection->partial = NULL;
    connection->partial_length = 0;
    return STEP_DONE;
}

/* What did not fit of a response's head; false: not all of it does now. */
static bool send_head(struct connection *connection)
{
    size_t done = put_bytes(connection->socket, connection->head, connection->head_left);

    connection->head_left -= done;
    memmove(connection->head, connection->head + done, connection->head_left);
    if (connection->head_left > 0)
        return false;
    free(connection->head);
    connection->head = NULL;
    return true;
}

/* The response is in the ring, and was the last one. Who may still be sending is heard out: what nobody reads
 * would reset the connection (RFC 9112, 9.6). */
static enum step step_last(struct connection *connection)
{
    const uint8_t *bytes;

    if (!connection->refused && connection->discard == 0 &&
        sw_socket_data(connection->socket, 0, &bytes) == 0)
        return STEP_ENDS;
    sw_socket_flush(connection->socket);
    if (sw_socket_shutdown(connection->socket, SW_SHUT_WRITE) != SW_OK)
        return STEP_ENDS;
    connection->state = DRAINING;
    server_deadline(connection, DEADLINE_DRAIN);
    return STEP_DONE;
}

/* The ring is full. A connection begins with one that holds a small response; a larger body gets a larger one,
 * if there is memory for it. */
static bool ring_grow(struct connection *connection)
{
    uint32_t ring = CONNECTION_RING_LEAST;

    while (ring < CONNECTION_RING_MOST && ring < connection->left)
        ring *= 2;
    if (ring <= connection->ring)
        return false;
    connection->ring = ring;
    return sw_socket_grow(connection->socket, ring, 0) == SW_OK;
}

/* Moves what fits of the body into the ring. */
static enum step step_sending(struct connection *connection)
{
    struct sw_socket *socket = connection->socket;
    bool moved = false;
    uint8_t *at;

    if (connection->head_left > 0) {
        if (!connection->head)
            return STEP_ENDS;
        if (!send_head(connection))
            return STEP_WAITS_ROOM;
    }
    while (connection->left > 0) {
        size_t room = sw_socket_room(socket, &at);
        if (room == 0) {
            if (ring_grow(connection))
                continue;
            if (moved)
                server_deadline(connection, DEADLINE_SEND);
            return STEP_WAITS_ROOM;
        }
        if (room > connection->left)
            room = (size_t)connection->left;
        if (connection->memory)
            memcpy(at, connection->memory + connection->offset, room);
        else if (file_read(connection->file, connection->offset, at, room, &room) != SW_OK ||
                 room == 0)
            return STEP_ENDS; /* shorter than promised: only the end of the connection can say so */
        sw_socket_put(socket, room);
        pace_take(&connection->pace, server_now(), room);
        connection->offset += room;
        connection->left -= room;
        moved = true;
    }
    free(connection->memory);
    connection->memory = NULL;
    if (connection->file)
        file_put(connection->file);
    connection->file = NULL;
    if (connection->last)
        return step_last(connection);
    connection->state = READING;
    if (connection->discard > 0)
        server_deadline(connection, DEADLINE_HEAD);
    return STEP_DONE;
}

static enum step step_draining(struct connection *connection)
{
    connection->discard = UINT64_MAX;
    discard(connection);
    return STEP_WAITS_INPUT;
}

static enum step step(struct connection *connection)
{
    switch (connection->state) {
    case READING:
        return step_reading(connection);
    case SENDING:
        return step_sending(connection);
    case ASKING:
        return STEP_WAITS_ANSWER;
    default:
        return step_draining(connection);
    }
}

/* Whether nothing more will come: there was no input, and that is final. */
static bool has_ended(struct connection *connection)
{
    const uint8_t *bytes;
    uint32_t ready = sw_socket_ready(connection->socket, SW_POLL_IN);

    if (ready & SW_POLL_ERROR)
        return true;
    return ready && sw_socket_data(connection->socket, 0, &bytes) == 0;
}

enum connection_next connection_run(struct connection *connection)
{
    struct sw_socket *socket = connection->socket;

    for (int i = 0; i < 2 * REQUESTS_A_TURN;) {
        uint32_t ready;

        switch (step(connection)) {
        case STEP_DONE:
            i++;
            continue;
        case STEP_ENDS:
            return CONNECTION_ENDS;
        case STEP_WAITS_INPUT:
            sw_socket_flush(socket);
            ready = sw_socket_ready(socket, SW_POLL_IN);
            if (!ready)
                return CONNECTION_WAITS;
            if (has_ended(connection))
                return CONNECTION_ENDS;
            break;
        case STEP_WAITS_ANSWER:
            sw_socket_flush(socket);
            /* What comes meanwhile is no news. */
            return sw_socket_ready(socket, 0) ? CONNECTION_ENDS : CONNECTION_WAITS;
        case STEP_WAITS_ROOM:
            sw_socket_flush(socket);
            ready = sw_socket_ready(socket, SW_POLL_OUT);
            if (!ready)
                return CONNECTION_WAITS;
            if (ready & SW_POLL_ERROR)
                return CONNECTION_ENDS;
            break;
        }
        i += REQUESTS_A_TURN / 4; /* the other side is as quick as we are: others come first */
    }
    sw_socket_flush(socket);
    return CONNECTION_GOES_ON;
}

enum connection_next connection_overdue(struct connection *connection)
{
    struct request request = { .method = REQUEST_OTHER };
    struct response response = { 0 };

    if (connection->deadline_kind != DEADLINE_HEAD || connection->discard > 0)
        return CONNECTION_ENDS;
    connection->refused = true;
    respond_status(connection, &request, &response, 408);
    return connection_run(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->file)
        file_put(connection->file);
    free(connection->memory);
    free(connection->partial);
    free(connection->head);
    sw_socket_close(connection->socket);
    free(connection);
}
