/* See http.h. RFC 9110, RFC 9112. */
#include "http.h"
#include <string.h>
#include <strings.h>

#define FIELDS_MOST 100u
#define CHUNK_LINE_MOST 512u /* its size and extensions */
#define TRAILER_MOST 8192u

/* ------------------------------------------------------------------ addresses */

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool read_decimal(const char *text, size_t length, uint64_t *out)
{
    uint64_t number = 0;

    if (length == 0 || length > 18)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    *out = number;
    return true;
}

/* What must not get into a request: space, controls, and bytes no address has. */
static bool is_plain(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)text[i] <= ' ' || (uint8_t)text[i] >= 0x7f)
            return false;
    return true;
}

static const char *read_authority(const char *text, size_t length, struct http_url *out)
{
    const char *host = text, *end = text + length, *port;
    size_t size;

    if (memchr(text, '@', length))
        return "a name and password in it are not taken";
    out->bracketed = length > 0 && *text == '[';
    if (out->bracketed) {
        const char *close = memchr(text, ']', length);
        if (!close)
            return "a [ without its ]";
        host = text + 1;
        size = (size_t)(close - host);
        port = close + 1;
    } else {
        const char *colon = memchr(text, ':', length);
        port = colon ? colon : end;
        size = (size_t)(port - text);
    }
    if (size == 0 || size >= sizeof(out->host))
        return "no host in it";
    memcpy(out->host, host, size);
    out->host[size] = 0;
    for (size_t i = 0; i < size; i++) {
        char letter = out->host[i];
        if (!is_digit(letter) && !(letter >= 'a' && letter <= 'z') &&
            !(letter >= 'A' && letter <= 'Z') && letter != '.' &&
            letter != (out->bracketed ? ':' : '-') && letter != '_')
            return "no host in it";
    }
    out->port = 80;
    if (port == end)
        return NULL;
    uint64_t number;
    if (*port != ':' || !read_decimal(port + 1, (size_t)(end - port - 1), &number) || number == 0 ||
        number > 65535)
        return "no port behind the host";
    out->port = (uint16_t)number;
    return NULL;
}

/* Takes the segments `.` and `..` out of a path that begins with a slash (RFC 3986, 5.2.4), in place; the
 * length of what is left. */
static size_t remove_dots(char *path, size_t length)
{
    size_t from = 0, to = 0;

    while (from < length) { /* at the slash before a segment */
        size_t end = from + 1;
        while (end < length && path[end] != '/')
            end++;
        size_t size = end - from - 1;
        bool up = size == 2 && path[from + 1] == '.' && path[from + 2] == '.';
        if (up || (size == 1 && path[from + 1] == '.')) {
            while (up && to > 0 && path[--to] != '/')
                ;
            if (end == length) /* it was a folder's name */
                path[to++] = '/';
        } else {
            memmove(path + to, path + from, size + 1);
            to += size + 1;
        }
        from = end;
    }
    return to;
}

static const char *read_target(const char *text, struct http_url *out)
{
    size_t length = strcspn(text, "#"), slash = *text != '/';

    if (length + slash >= sizeof(out->target))
        return "too long";
    out->target[0] = '/';
    memcpy(out->target + slash, text, length);
    out->target[slash + length] = 0;
    size_t path = strcspn(out->target, "?"), left = remove_dots(out->target, path);
    memmove(out->target + left, out->target + path, slash + length + 1 - path);
    return NULL;
}

const char *http_url_parse(const char *text, struct http_url *out)
{
    if (strlen(text) >= HTTP_URL_MOST)
        return "too long";
    if (!is_plain(text, strlen(text)))
        return "a byte in it that no address has";
    if (!strncasecmp(text, "https://", 8))
        return "https is not there yet";
    if (strncasecmp(text, "http://", 7) != 0)
        return "does not begin with http://";
    text += 7;
    size_t length = strcspn(text, "/?#");
    const char *wrong = read_authority(text, length, out);
    return wrong ? wrong : read_target(text + length, out);
}

const char *http_url_follow(const struct http_url *base, const char *location, struct http_url *out)
{
    char joined[HTTP_URL_MOST + 16];
    size_t scheme = strcspn(location, ":/?#"), kept;

    if (strlen(location) >= HTTP_URL_MOST)
        return "too long";
    if (location[scheme] == ':')
        return http_url_parse(location, out);
    if (!is_plain(location, strlen(location)))
        return "a byte in it that no address has";
    if (location[0] == '/' && location[1] == '/') {
        memcpy(joined, "http:", 5);
        strcpy(joined + 5, location);
        return http_url_parse(joined, out);
    }
    *out = *base;
    if (location[0] == '/')
        return read_target(location, out);
    kept = strcspn(base->target, "?");
    if (location[0] != '?') /* a name takes the place of the path's last one */
        while (kept > 0 && base->target[kept - 1] != '/')
            kept--;
    if (location[0] == '#' || !location[0])
        return NULL;
    if (kept + strlen(location) >= HTTP_URL_MOST)
        return "too long";
    memcpy(joined, base->target, kept);
    strcpy(joined + kept, location);
    return read_target(joined, out);
}

bool http_url_name(const struct http_url *url, char *out, size_t capacity)
{
    size_t end = strcspn(url->target, "?"), begin = end;

    while (begin > 0 && url->target[begin - 1] != '/')
        begin--;
    if (begin == end || end - begin >= capacity)
        return false;
    memcpy(out, url->target + begin, end - begin);
    out[end - begin] = 0;
    return strcmp(out, ".") != 0 && strcmp(out, "..") != 0;
}

/* ------------------------------------------------------------------ the head */

struct field {
    const char *name, *value;
    size_t name_length, value_length;
};

static bool field_is(const struct field *field, const char *name)
{
    return field->name_length == strlen(name) &&
           !strncasecmp(field->name, name, field->name_length);
}

static bool value_is(const struct field *field, const char *value)
{
    return field->value_length == strlen(value) &&
           !strncasecmp(field->value, value, field->value_length);
}

static bool value_copy(const struct field *field, char *out, size_t capacity)
{
    if (field->value_length >= capacity || !is_plain(field->value, field->value_length))
        return false;
    memcpy(out, field->value, field->value_length);
    out[field->value_length] = 0;
    return true;
}

/* One line without its end: the status line. */
static bool read_status(const char *line, size_t length, struct http_head *out)
{
    if (length < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ')
        return false;
    uint64_t status;
    if (!read_decimal(line + 9, 3, &status) || (length > 12 && line[12] != ' ') || status < 100)
        return false;
    out->status = (uint16_t)status;
    return true;
}

static bool is_token(char letter)
{
    return letter > ' ' && letter < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", letter);
}

static bool split_field(const char *line, size_t length, struct field *out)
{
    size_t name = 0, end = length;

    while (name < length && is_token(line[name]))
        name++;
    if (name == 0 || name == length || line[name] != ':')
        return false;
    *out = (struct field){ .name = line, .name_length = name };
    name++;
    while (name < length && (line[name] == ' ' || line[name] == '\t'))
        name++;
    while (end > name && (line[end - 1] == ' ' || line[end - 1] == '\t'))
        end--;
    for (size_t i = name; i < end; i++)
        if (((uint8_t)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return false;
    out->value = line + name;
    out->value_length = end - name;
    return true;
}

/* bytes FIRST-LAST/TOTAL, with * for what is not known: the range of a 416, or the total. */
static bool read_range(const struct field *field, struct http_head *out)
{
    const char *at = field->value, *end = at + field->value_length;

    if (field->value_length < 6 || strncasecmp(at, "bytes ", 6) != 0)
        return false;
    at += 6;
    const char *slash = memchr(at, '/', (size_t)(end - at));
    const char *dash = slash ? memchr(at, '-', (size_t)(slash - at)) : NULL;
    if (!slash)
        return false;
    if (dash) {
        if (!read_decimal(at, (size_t)(dash - at), &out->first) ||
            !read_decimal(dash + 1, (size_t)(slash - dash - 1), &out->last) ||
            out->last < out->first)
            return false;
    } else if (slash - at != 1 || *at != '*') {
        return false;
    }
    if (end - slash == 2 && slash[1] == '*')
        return true;
    return read_decimal(slash + 1, (size_t)(end - slash - 1), &out->total) &&
           (!dash || out->last < out->total);
}

static const char *take_field(const struct field *field, struct http_head *out)
{
    uint64_t number;

    if (field_is(field, "Content-Length")) {
        if (!read_decimal(field->value, field->value_length, &number))
            return "a Content-Length that is no number";
        if (out->length != HTTP_UNKNOWN && out->length != number)
            return "two different Content-Lengths";
        out->length = number;
    } else if (field_is(field, "Transfer-Encoding")) {
        if (!value_is(field, "chunked") || out->chunked)
            return "a Transfer-Encoding other than chunked";
        out->chunked = true;
    } else if (field_is(field, "Content-Encoding")) {
        if (!value_is(field, "identity"))
            return "a Content-Encoding that was not asked for";
    } else if (field_is(field, "Content-Range")) {
        if (!read_range(field, out))
            return "a Content-Range that makes no sense";
    } else if (field_is(field, "Location")) {
        if (!value_copy(field, out->location, sizeof(out->location)))
            return "a Location that is no address";
    } else if (field_is(field, "ETag")) {
        if (field->value_length > 0 && field->value[0] == '"')
            value_copy(field, out->validator, sizeof(out->validator));
    } else if (field_is(field, "Last-Modified")) {
        if (!out->validator[0] && field->value_length < sizeof(out->validator)) {
            memcpy(out->validator, field->value, field->value_length);
            out->validator[field->value_length] = 0;
        }
    }
    return NULL;
}

enum http_result http_head_read(const char *bytes, size_t length, size_t *out_used,
                                struct http_head *out, const char **out_why)
{
    size_t at = 0, fields = 0;

    *out = (struct http_head){
        .length = HTTP_UNKNOWN, .first = HTTP_UNKNOWN, .last = HTTP_UNKNOWN, .total = HTTP_UNKNOWN
    };
    *out_why = "an answer that is not HTTP";
    for (bool first = true;; first = false) {
        const char *end = memchr(bytes + at, '\n', length - at);
        if (!end) {
            static const char begin[] = "HTTP/1.";
            size_t known = length < sizeof(begin) - 1 ? length : sizeof(begin) - 1;
            if (first && memcmp(bytes, begin, known) != 0)
                return HTTP_BAD;
            *out_why = "a head of more than 16384 bytes";
            return length >= HTTP_HEAD_MOST ? HTTP_BAD : HTTP_MORE;
        }
        size_t size = (size_t)(end - (bytes + at));
        const char *line = bytes + at;
        at += size + 1;
        if (at > HTTP_HEAD_MOST) {
            *out_why = "a head of more than 16384 bytes";
            return HTTP_BAD;
        }
        if (size > 0 && line[size - 1] == '\r')
            size--;
        if (first) {
            if (!read_status(line, size, out))
                return HTTP_BAD;
            continue;
        }
        if (size == 0)
            break;
        struct field field;
        *out_why = "a line in its head that makes no sense";
        if (!split_field(line, size, &field))
            return HTTP_BAD;
        *out_why = "more than 100 lines in its head";
        if (++fields > FIELDS_MOST)
            return HTTP_BAD;
        const char *wrong = take_field(&field, out);
        if (wrong) {
            *out_why = wrong;
            return HTTP_BAD;
        }
    }
    *out_why = "both a Content-Length and a Transfer-Encoding";
    if (out->chunked && out->length != HTTP_UNKNOWN)
        return HTTP_BAD;
    *out_used = at;
    *out_why = NULL;
    return HTTP_DONE;
}

bool http_is_bodiless(uint16_t status)
{
    return status < 200 || status == 204 || status == 304;
}

enum http_part http_part_end(const struct http_head *head, uint64_t size)
{
    if (size != head->last + 1)
        return size < head->last + 1 ? HTTP_PART_SHORT : HTTP_PART_LONG;
    return size == head->total ? HTTP_PART_LAST : HTTP_PART_ENDS;
}

/* ------------------------------------------------------------------ the body */

void http_body_begin(struct http_body *body, const struct http_head *head)
{
    *body = (struct http_body){ .left = head->length };
    if (http_is_bodiless(head->status))
        body->state = BODY_DONE;
    else if (head->chunked)
        body->state = BODY_SIZE;
    else if (head->length == HTTP_UNKNOWN)
        body->state = BODY_END;
    else
        body->state = head->length > 0 ? BODY_LENGTH : BODY_DONE;
    if (head->chunked)
        body->left = 0;
}

static int hex_of(char letter)
{
    if (is_digit(letter))
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

/* The end of a chunk's line. */
static void chunk_begin(struct http_body *body)
{
    body->state = body->left > 0 ? BODY_DATA : BODY_TRAILER;
    body->digits = 0;
    body->line = false;
}

/* A byte that is not of the body. NULL, or what is wrong with it. */
static const char *take_byte(struct http_body *body, char byte)
{
    int digit;

    switch (body->state) {
    case BODY_SIZE:
        digit = hex_of(byte);
        if (digit >= 0) {
            if (++body->digits > 15)
                return "a chunk of a size that makes no sense";
            body->left = body->left << 4 | (uint64_t)digit;
            return NULL;
        }
        if (body->digits == 0)
            return "a chunk without a size";
        if (byte != '\r' && byte != '\n' && byte != ';' && byte != ' ' && byte != '\t')
            return "a chunk of a size that makes no sense";
        body->state = BODY_EXTENSION;
        /* fall through */
    case BODY_EXTENSION:
        if (byte == '\n')
            chunk_begin(body);
        else if (++body->digits > CHUNK_LINE_MOST)
            return "a chunk with too long a line";
        return NULL;
    case BODY_DATA_CR:
        body->state = byte == '\n' ? BODY_SIZE : BODY_DATA_LF;
        return byte == '\r' || byte == '\n' ? NULL : "a chunk that is longer than it says";
    case BODY_DATA_LF:
        body->state = BODY_SIZE;
        return byte == '\n' ? NULL : "a chunk that is longer than it says";
    default: /* BODY_TRAILER */
        if (++body->digits > TRAILER_MOST)
            return "too long a trailer";
        if (byte == '\n') {
            if (!body->line)
                body->state = BODY_DONE;
            body->line = false;
        } else if (byte != '\r') {
            body->line = true;
        }
        return NULL;
    }
}

enum http_result http_body_take(struct http_body *body, const char *bytes, size_t length,
                                size_t *out_used, const char **out_data, size_t *out_size,
                                const char **out_why)
{
    *out_used = *out_size = 0;
    *out_data = NULL;
    *out_why = NULL;
    while (*out_used < length && body->state != BODY_DONE) {
        if (body->state == BODY_LENGTH || body->state == BODY_DATA || body->state == BODY_END) {
            size_t size = length - *out_used;
            *out_data = bytes + *out_used;
            if (body->state != BODY_END) {
                if (size > body->left)
                    size = (size_t)body->left;
                body->left -= size;
                if (body->left == 0)
                    body->state = body->state == BODY_DATA ? BODY_DATA_CR : BODY_DONE;
            }
            *out_used += size;
            *out_size = size;
            break;
        }
        *out_why = take_byte(body, bytes[(*out_used)++]);
        if (*out_why)
            return HTTP_BAD;
    }
    return body->state == BODY_DONE ? HTTP_DONE : HTTP_MORE;
}

bool http_body_may_end(const struct http_body *body)
{
    return body->state == BODY_DONE || body->state == BODY_END;
}
