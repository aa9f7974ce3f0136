/* du: how much files take, and all that is in directories. A file counts in pages of 4 KiB, as memory has
 * them; a directory itself counts nothing. */
#include "command.h"
#include <stdlib.h>
#include <swos/log.h>
#include <swos/path.h>

static bool all, human, bytes;
static uint64_t deepest = UINT64_MAX;
static int result;

static void print(uint64_t size, const char *path)
{
    char text[24];
    if (human)
        human_size(size, text);
    else
        sw_format(text, sizeof(text), "%llu", (unsigned long long)(bytes ? size : size / 1024));
    out_text(text);
    out_char('\t');
    out_text(path);
    out_char('\n');
}

static uint64_t measure(const char *path, const struct sw_attributes *attributes, uint64_t depth)
{
    if (attributes->kind != SW_FILE_DIRECTORY) {
        uint64_t size = bytes ? attributes->size : (attributes->size + 4095) & ~4095ull;
        if (depth == 0 || (all && depth <= deepest))
            print(size, path);
        return size;
    }
    struct listing listing;
    uint64_t sum = 0;
    status_t status = listing_read(&listing, path);
    if (status != SW_OK) {
        out_flush();
        result = complain(path, status);
    }
    for (size_t i = 0; i < listing.count; i++) {
        char *below = path_below(path, listing.entries[i].name);
        if (below)
            sum += measure(below, &listing.entries[i].attributes, depth + 1);
        else
            result = 1;
        free(below);
    }
    listing_free(&listing);
    if (depth <= deepest)
        print(sum, path);
    return sum;
}

int command_du(int count, char **arguments)
{
    static char *here[] = { "." };
    struct options options;
    uint64_t total = 0;
    bool sum = false;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        all |= letter == 'a';
        human |= letter == 'h';
        bytes |= letter == 'b';
        sum |= letter == 'c';
        if (letter == 's')
            deepest = 0;
        if (letter == 'd' && !parse_number(options.value, 10, &deepest))
            return usage("%s: not a depth", options.value);
    }
    char **paths = options.count ? options.arguments : here;
    for (int i = 0; i < (options.count ? options.count : 1); i++) {
        struct sw_attributes attributes;
        status_t status = sw_path_attributes(paths[i], &attributes);
        if (status == SW_OK)
            total += measure(paths[i], &attributes, 0);
        else
            result = complain(paths[i], status);
    }
    if (sum)
        print(total, "total");
    return out_finish(result);
}
