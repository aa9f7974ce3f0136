/* Paths as text: normal form and prefixes. Pure. */
#include <string.h>
#include <swos/hot.h>
#include <swos/path.h>

SW_HOT status_t sw_path_normalize(const char *base, const char *path, char *out)
{
    size_t at = 0;
    const char *parts[2] = { path[0] == '/' ? "" : base, path };
    for (int i = 0; i < 2; i++) {
        for (const char *p = parts[i]; *p;) {
            while (*p == '/')
                p++;
            size_t length = 0; /* components are short: not worth a call of strcspn */
            while (p[length] && p[length] != '/')
                length++;
            if (length == 2 && p[0] == '.' && p[1] == '.') {
                while (at > 0 && out[--at] != '/')
                    ;
            } else if (length > 0 && !(length == 1 && p[0] == '.')) {
                if (at + 1 + length >= SW_PATH_MAX)
                    return SW_NAME_TOO_LONG;
                out[at++] = '/';
                memcpy(out + at, p, length);
                at += length;
            }
            p += length;
        }
    }
    if (at == 0)
        out[at++] = '/';
    out[at] = 0;
    return SW_OK;
}

SW_HOT int sw_path_below(const char *absolute, const char *prefix, const char **out_rest)
{
    size_t length = 0;
    if (strcmp(prefix, "/") != 0)
        for (; prefix[length]; length++)
            if (prefix[length] != absolute[length])
                return 0;
    if (absolute[length] != '/' && absolute[length])
        return 0;
    *out_rest = absolute + length + (absolute[length] == '/');
    return 1;
}
