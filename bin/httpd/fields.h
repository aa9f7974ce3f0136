/* Values of header fields: dates, entity tags, ranges; types of files. Pure. */
#pragma once
#include "request.h"

#define HTTP_DATE_SIZE 30 /* with its NUL */

/* Seconds since 1970 as "Sun, 06 Nov 1994 08:49:37 GMT"; years 1970 to 9999. */
void http_date(int64_t seconds, char out[HTTP_DATE_SIZE]);
/* Any of the three forms of RFC 9110, 5.6.7; -1: not a date. */
int64_t http_date_read(struct text text);

/* Whether a list of entity tags (or `*`) names this one, by weak comparison. */
bool etag_is_listed(struct text list, const char *etag);

enum range { RANGE_ALL, RANGE_PART, RANGE_NOT_THERE };
/* What of `size` bytes a Range field asks for: [*out_first, *out_last]. RANGE_ALL where the field is not
 * there, no range of bytes, or of several parts, which a server may answer with the whole. */
enum range range_read(struct text text, uint64_t size, uint64_t *out_first, uint64_t *out_last);

/* The media type of a file by the ending of its name. */
const char *media_type(const char *path, size_t length);

/* Text for HTML, and for a reference in it: at most capacity bytes, without a NUL. Returns how many there
 * would be. */
size_t html_escape(const char *text, size_t length, char *out, size_t capacity);
size_t url_escape(const char *text, size_t length, char *out, size_t capacity);
