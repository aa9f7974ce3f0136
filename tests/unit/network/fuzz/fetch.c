/* Answers of an HTTP server, head and body, in pieces of a size the input chooses. */
#include "../../../../bin/fetch/http.h"
#include <stdlib.h>
#include <string.h>

static void read_body(const struct http_head *head, const char *bytes, size_t length, size_t piece)
{
    struct http_body body;
    const char *data, *why;
    uint64_t whole = 0;

    http_body_begin(&body, head);
    for (size_t at = 0; at < length;) {
        size_t part = piece < length - at ? piece : length - at, used, size;
        enum http_result result =
            http_body_take(&body, bytes + at, part, &used, &data, &size, &why);
        if (used > part || size > used ||
            (size > 0 && (data < bytes + at || data + size > bytes + at + used)))
            abort();
        whole += size;
        at += used;
        if (result == HTTP_MORE && used == 0)
            abort(); /* for ever */
        if (result != HTTP_MORE)
            break;
    }
    if (!head->chunked && head->length != HTTP_UNKNOWN && whole > head->length)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_url base = { .target = "/a/b?c" }, url;
    struct http_head head;
    const char *why, *bytes = (const char *)data + 1;
    size_t used;

    if (size < 1)
        return 0;
    if (http_head_read(bytes, size - 1, &used, &head, &why) == HTTP_DONE) {
        if (used > size - 1)
            abort();
        http_url_follow(&base, head.location, &url);
        read_body(&head, bytes + used, size - 1 - used, data[0] % 16 + 1);
    }
    head = (struct http_head){ .status = 200, .chunked = true, .length = HTTP_UNKNOWN };
    read_body(&head, bytes, size - 1, data[0] % 16 + 1);
    char *text = malloc(size);
    memcpy(text, bytes, size - 1);
    text[size - 1] = 0;
    if (!http_url_parse(text, &url) && (strlen(url.host) == 0 || url.target[0] != '/'))
        abort();
    free(text);
    return 0;
}
