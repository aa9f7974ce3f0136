/* Values of header fields. See fields.h. */
#include "fields.h"
#include <string.h>

/* ------------------------------------------------------------------ dates */

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days since 1970 of a day of the Gregorian calendar, and back: Howard Hinnant, "chrono-compatible
 * low-level date algorithms"; a year begins with March. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *out_year, int *out_month, int *out_day)
{
    int64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    *out_day = (int)(of_year - (153 * month + 2) / 5 + 1);
    *out_month = (int)(month < 10 ? month + 3 : month - 9);
    *out_year = (int)(year + era * 400 + (*out_month <= 2));
}

static void digits(char *at, int value, int count)
{
    while (count-- > 0) {
        at[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void http_date(int64_t seconds, char out[HTTP_DATE_SIZE])
{
    int64_t days = seconds / 86400;
    int year, month, day, rest = (int)(seconds % 86400);

    date_of(days, &year, &month, &day);
    memcpy(out, "ddd, 00 mmm 0000 00:00:00 GMT", HTTP_DATE_SIZE);
    memcpy(out, day_names + 3 * ((days + 4) % 7), 3);
    digits(out + 5, day, 2);
    memcpy(out + 8, month_names + 3 * (month - 1), 3);
    digits(out + 12, year, 4);
    digits(out + 17, rest / 3600, 2);
    digits(out + 20, rest / 60 % 60, 2);
    digits(out + 23, rest % 60, 2);
}

/* A text read from its front; any failure sticks. */
struct scan {
    const char *at, *end;
    bool failed;
};

static void expect(struct scan *scan, const char *word)
{
    size_t length = strlen(word);

    if (scan->failed || (size_t)(scan->end - scan->at) < length ||
        memcmp(scan->at, word, length) != 0)
        scan->failed = true;
    else
        scan->at += length;
}

static int scan_number(struct scan *scan, int count)
{
    int value = 0;

    if (scan->failed || scan->end - scan->at < count) {
        scan->failed = true;
        return 0;
    }
    while (count-- > 0) {
        char byte = *scan->at++;
        if (byte < '0' || byte > '9')
            scan->failed = true;
        value = value * 10 + (byte - '0');
    }
    return value;
}

/* Number of one of the names of three letters each. */
static int scan_name(struct scan *scan, const char *names)
{
    if (!scan->failed && scan->end - scan->at >= 3)
        for (int i = 0; names[3 * i]; i++)
            if (!memcmp(scan->at, names + 3 * i, 3)) {
                scan->at += 3;
                return i;
            }
    scan->failed = true;
    return 0;
}

static bool scan_is(const struct scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == byte;
}

static int scan_clock(struct scan *scan)
{
    int hour = scan_number(scan, 2), minute, second;

    expect(scan, ":");
    minute = scan_number(scan, 2);
    expect(scan, ":");
    second = scan_number(scan, 2);
    if (hour > 23 || minute > 59 || second > 60)
        scan->failed = true;
    return hour * 3600 + minute * 60 + second;
}

/* What follows "Sun": the weekday itself is not checked against the day. */
int64_t http_date_read(struct text text)
{
    struct scan scan = { text.at, text.at + text.length, false };
    int year, month, day, clock;
    char separator[2] = " ";

    scan_name(&scan, day_names);
    if (scan_is(&scan, ' ')) { /* asctime: Sun Nov  6 08:49:37 1994 */
        expect(&scan, " ");
        month = scan_name(&scan, month_names) + 1;
        expect(&scan, " ");
        if (scan_is(&scan, ' ')) {
            scan.at++;
            day = scan_number(&scan, 1);
        } else {
            day = scan_number(&scan, 2);
        }
        expect(&scan, " ");
        clock = scan_clock(&scan);
        expect(&scan, " ");
        year = scan_number(&scan, 4);
    } else { /* Sun, 06 Nov 1994 08:49:37 GMT, or RFC 850: Sunday, 06-Nov-94 08:49:37 GMT */
        while (scan.at < scan.end && *scan.at >= 'a' && *scan.at <= 'z') {
            scan.at++;
            separator[0] = '-';
        }
        expect(&scan, ", ");
        day = scan_number(&scan, 2);
        expect(&scan, separator);
        month = scan_name(&scan, month_names) + 1;
        expect(&scan, separator);
        year = scan_number(&scan, separator[0] == '-' ? 2 : 4);
        if (separator[0] == '-') /* no server here is older than 1970 */
            year += year < 70 ? 2000 : 1900;
        expect(&scan, " ");
        clock = scan_clock(&scan);
        expect(&scan, " GMT");
    }
    if (scan.failed || scan.at != scan.end || year < 1970 || day < 1 || day > 31)
        return -1;
    return days_of(year, month, day) * 86400 + clock;
}

/* ------------------------------------------------------------------ entity tags, ranges */

bool etag_is_listed(struct text list, const char *etag)
{
    const char *at = list.at, *end = list.at + list.length;

    if (list.length == 1 && *at == '*')
        return true;
    while (at < end) {
        if (*at == ' ' || *at == '\t' || *at == ',') {
            at++;
            continue;
        }
        if (end - at > 2 && at[0] == 'W' && at[1] == '/')
            at += 2;
        if (*at != '"')
            return false;
        const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
        if (!close)
            return false;
        size_t length = (size_t)(close + 1 - at);
        if (length == strlen(etag) && !memcmp(at, etag, length))
            return true;
        at = close + 1;
    }
    return false;
}

/* Reads a number of at most 18 digits; false: there is none, or a longer one. */
static bool range_number(const char **at, const char *end, uint64_t *out)
{
    const char *start = *at;

    *out = 0;
    while (*at < end && **at >= '0' && **at <= '9' && *at - start < 19)
        *out = *out * 10 + (uint64_t)(*(*at)++ - '0');
    return *at > start && *at - start < 19;
}

enum range range_read(struct text text, uint64_t size, uint64_t *out_first, uint64_t *out_last)
{
    const char *at, *end;
    uint64_t first, last;

    if (text.length < 7 || memcmp(text.at, "bytes=", 6) != 0)
        return RANGE_ALL;
    at = text.at + 6;
    end = text.at + text.length;
    if (*at == '-') { /* the last so many */
        at++;
        if (!range_number(&at, end, &last) || at != end)
            return RANGE_ALL;
        if (last == 0 || size == 0)
            return RANGE_NOT_THERE;
        *out_first = last < size ? size - last : 0;
        *out_last = size - 1;
        return RANGE_PART;
    }
    if (!range_number(&at, end, &first) || at == end || *at != '-')
        return RANGE_ALL;
    at++;
    last = UINT64_MAX;
    if (at < end && (!range_number(&at, end, &last) || at != end || last < first))
        return RANGE_ALL;
    if (first >= size)
        return RANGE_NOT_THERE;
    *out_first = first;
    *out_last = last < size - 1 ? last : size - 1;
    return RANGE_PART;
}

/* ------------------------------------------------------------------ types */

const char *media_type(const char *path, size_t length)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        { "html", "text/html; charset=utf-8" },
        { "htm", "text/html; charset=utf-8" },
        { "txt", "text/plain; charset=utf-8" },
        { "md", "text/markdown; charset=utf-8" },
        { "lua", "text/plain; charset=utf-8" },
        { "log", "text/plain; charset=utf-8" },
        { "css", "text/css; charset=utf-8" },
        { "csv", "text/csv; charset=utf-8" },
        { "js", "text/javascript; charset=utf-8" },
        { "mjs", "text/javascript; charset=utf-8" },
        { "json", "application/json" },
        { "xml", "application/xml" },
        { "pdf", "application/pdf" },
        { "wasm", "application/wasm" },
        { "gz", "application/gzip" },
        { "tar", "application/x-tar" },
        { "zip", "application/zip" },
        { "svg", "image/svg+xml" },
        { "png", "image/png" },
        { "jpg", "image/jpeg" },
        { "jpeg", "image/jpeg" },
        { "gif", "image/gif" },
        { "webp", "image/webp" },
        { "ico", "image/vnd.microsoft.icon" },
        { "woff2", "font/woff2" },
        { "mp3", "audio/mpeg" },
        { "mp4", "video/mp4" },
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t ending = strlen(types[i].ending);
        if (length <= ending || path[length - ending - 1] != '.')
            continue;
        size_t same = 0;
        while (same < ending) {
            char byte = path[length - ending + same];
            if (byte >= 'A' && byte <= 'Z')
                byte = (char)(byte + 32);
            if (byte != types[i].ending[same])
                break;
            same++;
        }
        if (same == ending)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* ------------------------------------------------------------------ escapes */

static size_t add(const char *text, size_t length, char *out, size_t capacity, size_t used)
{
    if (used + length <= capacity)
        memcpy(out + used, text, length);
    return used + length;
}

size_t html_escape(const char *text, size_t length, char *out, size_t capacity)
{
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        const char *word = byte == '&'    ? "&amp;"
                           : byte == '<'  ? "&lt;"
                           : byte == '>'  ? "&gt;"
                           : byte == '"'  ? "&quot;"
                           : byte == '\'' ? "&#39;"
                                          : NULL;
        if (byte < 0x20 || byte == 0x7f) /* no characters of HTML */
            word = "?";
        used = add(word ? word : text + i, word ? strlen(word) : 1, out, capacity, used);
    }
    return used;
}

size_t url_escape(const char *text, size_t length, char *out, size_t capacity)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)text[i];
        char code[3] = { '%', hex[byte >> 4], hex[byte & 15] };
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr("-._~/", byte));
        used = add(plain ? text + i : code, plain ? 1 : 3, out, capacity, used);
    }
    return used;
}
