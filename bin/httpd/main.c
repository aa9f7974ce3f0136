/* httpd: serves files over HTTP/1.1. Command line and help. */
#include "access_log.h"
#include "server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swos/status.h>

enum { OPTION_LONG, OPTION_NUMBER };

#include <httpd/pages.inc>

#define NO_NETWORK 3 /* exit status: starting it again is of no use (etc/swos/services/httpd.lua) */

static char root[SW_PATH_MAX];

static int usage(const char *message, const char *word)
{
    const char *help = page_text + page_table[0].help, *end = strchr(help, '\n') + 1;

    while (*end == ' ') /* further lines of the synopsis */
        end = strchr(end, '\n') + 1;
    fprintf(stderr, "httpd: %s%s\n%.*s", message, word, (int)(end - help), help);
    return 2;
}

/* capability: what SW_ACCESS means is missing; NULL: none. */
static int fail(const char *what, status_t status, const char *capability)
{
    access_log_flush();
    if (status == SW_ACCESS && capability)
        fprintf(stderr, "httpd: %s: permission denied (needs capability %s)\n", what, capability);
    else
        fprintf(stderr, "httpd: %s: %s\n", what, sw_status_text(status));
    return 1;
}

static bool number(const char *word, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(word, &end, 10);

    if (word[0] < '0' || word[0] > '9' || *end || value < 1 || value > most)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* The option's value: the rest of the word, or the next one. NULL: there is none. */
static const char *value_of(char **arguments, int count, int *at)
{
    if (arguments[*at][2])
        return arguments[*at] + 2;
    return *at + 1 < count ? arguments[++*at] : NULL;
}

int main(int count, char **arguments)
{
    struct server_options options = { .at = { .family = SW_NET_ANY, .port = 8080 },
                                      .connections = SERVER_CONNECTIONS };
    const char *directory = "/www", *value = "";
    uint32_t number_given;

    for (int i = 1; i < count; i++) {
        const char *word = arguments[i];
        char letter = word[0] == '-' ? word[1] : 0;

        if (!strcmp(word, "--help")) {
            fputs(page_text + page_table[0].help, stdout);
            return 0;
        }
        if (!strcmp(word, "6") || !strcmp(word, "-6")) {
            options.at.family = SW_NET_IPV6;
        } else if (!strcmp(word, "-v")) {
            options.details = true;
        } else if (letter == 'p' || letter == 'r' || letter == 'c') {
            if (!(value = value_of(arguments, count, &i)))
                return usage("a value is missing after ", word);
            if (letter == 'r') {
                directory = value;
            } else if (!number(value, letter == 'p' ? 65535 : SERVER_CONNECTIONS_MOST,
                               &number_given)) {
                return usage("not a number in range: ", value);
            } else if (letter == 'p') {
                options.at.port = (uint16_t)number_given;
            } else {
                options.connections = number_given;
            }
        } else {
            return usage(letter ? "unknown option " : "unexpected operand ", word);
        }
    }
    char working[SW_PATH_MAX];
    status_t status = sw_path_directory(working, sizeof(working));
    if (status == SW_OK)
        status = sw_path_normalize(working, directory, root);
    if (status == SW_OK)
        status = files_open(root);
    if (status != SW_OK)
        return fail(directory, status, sw_last_detail() ? "fs-read" : NULL);
    status = server_run(&options);
    if (status == SW_NOT_FOUND) {
        fprintf(stderr, "httpd: there is no network on this machine\n");
        return NO_NETWORK;
    }
    return fail("listen", status, "net");
}
