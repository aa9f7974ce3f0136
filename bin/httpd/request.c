/* Heads of requests. See request.h. */
#include "request.h"
#include <string.h>

static bool is_token_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_text(struct text text, const char *word)
{
    return text.length == strlen(word) && !memcmp(text.at, word, text.length);
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte + 32) : byte;
}

static bool is_word(struct text text, const char *lower_case)
{
    if (text.length != strlen(lower_case))
        return false;
    for (size_t i = 0; i < text.length; i++)
        if (lower(text.at[i]) != lower_case[i])
            return false;
    return true;
}

static struct text trimmed(struct text text)
{
    while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text.at++, text.length--;
    while (text.length > 0 && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* ------------------------------------------------------------------ path */

static int hex(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte = lower(byte);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Percent-decodes into out, which has room for all of it; -1: malformed. */
static ptrdiff_t decode(struct text text, char *out)
{
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = (uint8_t)text.at[i];
        if (byte == '%') {
            int high = i + 2 < text.length ? hex(text.at[i + 1]) : -1;
            int low = high >= 0 ? hex(text.at[i + 2]) : -1;
            if (low < 0)
                return -1;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (byte < 0x20 || byte == 0x7f)
            return -1;
        out[length++] = (char)byte;
    }
    return (ptrdiff_t)length;
}

int request_path(struct text target, struct request *out)
{
    char *path = out->path;
    ptrdiff_t length;
    size_t kept = 0;

    if (target.length == 0 || target.at[0] != '/' || target.length > REQUEST_TARGET_MAX)
        return 400;
    length = decode(target, path);
    if (length < 0)
        return 400;
    out->outside = false;
    out->directory = true;
    /* In place: what is kept is never longer than what was read. */
    for (size_t at = 0; at < (size_t)length;) {
        size_t start = at + 1, end = start; /* path[at] is a slash */

        while (end < (size_t)length && path[end] != '/')
            end++;
        size_t part = end - start;
        at = end;
        out->directory = true;
        if (part == 0 || (part == 1 && path[start] == '.'))
            continue;
        if (part == 2 && path[start] == '.' && path[start + 1] == '.') {
            if (kept == 0)
                out->outside = true;
            while (kept > 0 && path[--kept] != '/')
                ;
            continue;
        }
        if (kept > 0)
            path[kept++] = '/';
        memmove(path + kept, path + start, part);
        kept += part;
        out->directory = false; /* unless a slash follows */
    }
    path[kept] = 0;
    out->path_length = kept;
    return 200;
}

/* ------------------------------------------------------------------ lines */

/* The end of the head: the offset behind the empty line, 0 when it has not come. Lines end with CR LF, or
 * LF alone. *out_start is where the request line begins, behind empty lines. */
static size_t head_end(const char *bytes, size_t length, size_t *out_start)
{
    size_t at = 0, line = 0;

    while (at < length &&
           (bytes[at] == '\n' || (bytes[at] == '\r' && at + 1 < length && bytes[at + 1] == '\n')))
        at++;
    *out_start = line = at;
    while (at < length) {
        const char *end = memchr(bytes + at, '\n', length - at);
        if (!end)
            return 0;
        at = (size_t)(end - bytes) + 1;
        size_t line_length = at - 1 - line;
        if (line_length == 0 || (line_length == 1 && bytes[line] == '\r'))
            return at;
        line = at;
    }
    return 0;
}

/* The next line of [*at, end), without its ending. */
static struct text line_next(const char *bytes, size_t *at, size_t end)
{
    const char *stop = memchr(bytes + *at, '\n', end - *at);
    size_t next = stop ? (size_t)(stop - bytes) : end;
    struct text line = { bytes + *at, next - *at };

    *at = next + 1;
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

/* ------------------------------------------------------------------ request line */

/* Cuts text up to the next space; false: there is none. */
static bool cut(struct text *rest, struct text *out)
{
    const char *space = memchr(rest->at, ' ', rest->length);

    if (!space)
        return false;
    *out = (struct text){ rest->at, (size_t)(space - rest->at) };
    rest->length -= out->length + 1;
    rest->at = space + 1;
    return true;
}

/* http://HOST/PATH is the same as /PATH here. */
static bool without_authority(struct text *target)
{
    struct text scheme = { target->at, target->length < 7 ? target->length : 7 };

    if (!is_word(scheme, "http://"))
        return false;
    const char *slash = memchr(target->at + 7, '/', target->length - 7);
    if (!slash)
        return false;
    target->length -= (size_t)(slash - target->at);
    target->at = slash;
    return true;
}

static int request_line(struct text line, struct request *out, bool *out_is_old)
{
    struct text target, version = line;

    if (!cut(&version, &out->method_name) || out->method_name.length == 0)
        return 400;
    for (size_t i = 0; i < out->method_name.length; i++)
        if (!is_token_byte((uint8_t)out->method_name.at[i]))
            return 400;
    out->method = is_text(out->method_name, "GET")    ? REQUEST_GET
                  : is_text(out->method_name, "HEAD") ? REQUEST_HEAD
                                                      : REQUEST_OTHER;
    if (!cut(&version, &target) || target.length == 0)
        return 400;
    if (target.length > REQUEST_TARGET_MAX)
        return 414;
    for (size_t i = 0; i < target.length; i++)
        if ((uint8_t)target.at[i] <= 0x20 || (uint8_t)target.at[i] >= 0x7f)
            return 400;
    const char *query = memchr(target.at, '?', target.length);
    if (query)
        target.length = (size_t)(query - target.at);
    if (target.length == 0 || (target.at[0] != '/' && !without_authority(&target) &&
                               !(out->method == REQUEST_OTHER && is_text(target, "*"))))
        return 400;
    out->target = target;
    if (version.length != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' ||
        version.at[5] < '0' || version.at[5] > '9' || version.at[7] < '0' || version.at[7] > '9')
        return 400;
    if (version.at[5] != '1')
        return 505;
    *out_is_old = version.at[7] == '0';
    return 200;
}

/* ------------------------------------------------------------------ fields */

struct fields {
    bool has_host, has_length, has_coding, closes, stays;
};

/* A number of digits alone. */
static bool number(struct text text, uint64_t *out)
{
    *out = 0;
    if (text.length == 0 || text.length > 19)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text.at[i] - '0');
    }
    return true;
}

static void connection_words(struct text value, struct fields *fields)
{
    while (value.length > 0) {
        const char *comma = memchr(value.at, ',', value.length);
        size_t length = comma ? (size_t)(comma - value.at) : value.length;
        struct text word = trimmed((struct text){ value.at, length });

        fields->closes |= is_word(word, "close");
        fields->stays |= is_word(word, "keep-alive");
        length += comma != NULL;
        value.at += length;
        value.length -= length;
    }
}

/* One of a field that may stand once. */
static int take_once(struct text value, struct text *out)
{
    if (out->at)
        return 400;
    *out = value;
    return 200;
}

static int field(struct text name, struct text value, struct request *out, struct fields *fields)
{
    if (is_word(name, "host")) {
        if (fields->has_host)
            return 400;
        fields->has_host = true;
    } else if (is_word(name, "connection")) {
        connection_words(value, fields);
    } else if (is_word(name, "content-length")) {
        if (fields->has_length || !number(value, &out->body))
            return 400;
        fields->has_length = true;
    } else if (is_word(name, "transfer-encoding")) {
        fields->has_coding = true;
    } else if (is_word(name, "expect")) {
        if (!is_word(value, "100-continue"))
            return 417;
        out->expects = true;
    } else if (is_word(name, "if-none-match")) {
        return take_once(value, &out->if_none_match);
    } else if (is_word(name, "if-modified-since")) {
        return take_once(value, &out->if_modified_since);
    } else if (is_word(name, "if-range")) {
        return take_once(value, &out->if_range);
    } else if (is_word(name, "range")) {
        return take_once(value, &out->range);
    }
    return 200;
}

static int field_line(struct text line, struct request *out, struct fields *fields)
{
    const char *colon = memchr(line.at, ':', line.length);
    struct text name, value;

    if (!colon || colon == line.at) /* a folded line, too: it has no name */
        return 400;
    name = (struct text){ line.at, (size_t)(colon - line.at) };
    for (size_t i = 0; i < name.length; i++)
        if (!is_token_byte((uint8_t)name.at[i]))
            return 400;
    value = (struct text){ colon + 1, line.length - name.length - 1 };
    for (size_t i = 0; i < value.length; i++) {
        uint8_t byte = (uint8_t)value.at[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return 400;
    }
    return field(name, trimmed(value), out, fields);
}

int request_parse(const char *bytes, size_t length, struct request *out, size_t *out_consumed)
{
    struct fields fields = { 0 };
    size_t start, end, at, count = 0;
    bool is_old = false;
    int status;

    memset(out, 0, offsetof(struct request, path));
    out->path[0] = 0;
    out->method = REQUEST_OTHER;
    end = head_end(bytes, length, &start);
    if (end == 0 && length < REQUEST_HEAD_MAX)
        return 0;
    bool too_large = end == 0 || end > REQUEST_HEAD_MAX;
    at = start;
    if (too_large && !memchr(bytes + start, '\n', length - start))
        return start < length ? 414 : 400;
    if (at >= length)
        return 400;
    status = request_line(line_next(bytes, &at, too_large ? length : end), out, &is_old);
    if (status != 200)
        return status;
    if (too_large)
        return 431;
    for (;;) {
        struct text line = line_next(bytes, &at, end);
        if (line.length == 0)
            break;
        if (++count > REQUEST_FIELDS_MAX)
            return 431;
        if ((status = field_line(line, out, &fields)) != 200)
            return status;
    }
    if (!fields.has_host && !is_old)
        return 400;
    if (fields.has_coding) /* where the body ends is not known without decoding it */
        return fields.has_length || is_old ? 400 : 411;
    if (out->body > REQUEST_BODY_MAX)
        return 413;
    /* Who waits for 100 may send the body or not: nobody can tell where the next request begins. */
    out->keep_alive = !fields.closes && (!is_old || fields.stays) && !out->expects;
    *out_consumed = end;
    if (out->target.at[0] == '/')
        return request_path(out->target, out);
    return 200;
}
