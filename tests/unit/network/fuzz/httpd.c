/* libFuzzer: any bytes as the head of a request. What is understood must be inside the bytes, normal, and
 * the same however the bytes came in pieces. */
#include "fields.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const char *begin, *end;

static void inside(struct text text)
{
    must(!text.at || (text.at >= begin && text.at + text.length <= end));
}

static void path_is_normal(const struct request *request)
{
    const char *path = request->path;

    must(request->path_length == strlen(path) && request->path_length <= REQUEST_TARGET_MAX);
    for (const char *at = path; *at;) {
        size_t length = strcspn(at, "/");
        must(length > 0 && !(length == 1 && at[0] == '.') &&
             !(length == 2 && at[0] == '.' && at[1] == '.'));
        at += length;
        must(*at == 0 || at[1] != 0);
        at += *at == '/';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request request, again;
    size_t consumed = 0, consumed_again;
    uint64_t first, last;
    char date[HTTP_DATE_SIZE], out[64];

    begin = (const char *)data;
    end = begin + size;
    int status = request_parse(begin, size, &request, &consumed);
    must(status == 0 || status == 200 || (status >= 400 && status <= 505));
    inside(request.method_name);
    inside(request.target);
    if (status == 0)
        must(size < REQUEST_HEAD_MAX);
    if (status != 200)
        return 0;
    must(consumed > 0 && consumed <= size && consumed <= REQUEST_HEAD_MAX);
    must(request.target.length > 0);
    if (request.target.at[0] == '/')
        path_is_normal(&request);
    must(request_parse(begin, consumed, &again, &consumed_again) == 200);
    must(consumed_again == consumed && !memcmp(&request, &again, offsetof(struct request, path)) &&
         !strcmp(request.path, again.path));
    must(request_parse(begin, consumed - 1, &again, &consumed_again) == 0);
    inside(request.if_none_match);
    inside(request.if_modified_since);
    inside(request.if_range);
    inside(request.range);
    if (request.if_none_match.at)
        etag_is_listed(request.if_none_match, "\"1-2\"");
    if (range_read(request.range, 100, &first, &last) == RANGE_PART)
        must(first <= last && last < 100);
    int64_t seconds = request.if_modified_since.at ? http_date_read(request.if_modified_since) : -1;
    if (seconds >= 0) {
        http_date(seconds, date);
        must(http_date_read((struct text){ date, HTTP_DATE_SIZE - 1 }) == seconds);
    }
    media_type(request.path, request.path_length);
    html_escape(request.path, request.path_length, out, sizeof(out));
    url_escape(request.path, request.path_length, out, sizeof(out));
    return 0;
}
