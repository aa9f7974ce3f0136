/* df: space of the file servers. */
#include "command.h"
#include <string.h>
#include <swos/log.h>
#include <swos/path.h>
#include <swos/start.h>

static bool human;

static void print_size(uint64_t bytes)
{
    char text[24];
    if (human)
        human_size(bytes, text);
    else
        sw_format(text, sizeof(text), "%llu", (unsigned long long)(bytes + 1023) / 1024);
    out_format(" %10s", text);
}

/* The server at a prefix of the table of paths. */
static int print_server(const char *prefix, handle_t connection)
{
    struct sw_file_space_reply space;
    status_t status = sw_file_space(connection, &space, SW_NEVER);
    if (status == SW_NOT_SUPPORTED)
        return 0;
    if (status != SW_OK) {
        out_flush();
        return complain(prefix, status);
    }
    uint64_t used = space.total - space.free,
             percent = space.total ? (used * 100 + space.total - 1) / space.total : 0;
    print_size(space.total);
    print_size(used);
    print_size(space.free);
    out_format(" %3llu%% ", (unsigned long long)percent);
    out_text(space.read_only ? "read-only  " : "           ");
    out_text(*prefix ? prefix : "/");
    out_char('\n');
    return 0;
}

int command_df(int count, char **arguments)
{
    static struct sw_place place;
    struct options options;
    const struct sw_start_handle *entry;
    int result = 0;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        human = letter == 'h';
    }
    out_text(human ? "       Size" : "  1K-blocks");
    out_text("       Used  Available Use%            Mounted on\n");
    for (size_t i = 0; (entry = sw_start_path_at(i)) != NULL && options.count == 0; i++)
        result |= print_server(sw_start_text(entry->offset), entry->handle);
    for (int i = 0; i < options.count; i++) {
        struct sw_attributes attributes;
        status_t status = sw_path_attributes(options.arguments[i], &attributes);
        if (status == SW_OK)
            status = sw_path_resolve(options.arguments[i], &place);
        if (status != SW_OK) {
            out_flush();
            result = complain(options.arguments[i], status);
            continue;
        }
        size_t below = place.length ? place.length + 1 : 0, length = strlen(place.absolute);
        if (length > below)
            place.absolute[length - below] = 0;
        else
            place.absolute[1] = 0;
        if (place.connection)
            result |= print_server(place.absolute, place.connection);
    }
    return out_finish(result);
}
