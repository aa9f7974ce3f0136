/* tr: changes, deletes and squeezes bytes. Sets are of bytes: letters beyond ASCII are several. */
#include "command.h"
#include "tr_sets.h"
#include <string.h>

int command_tr(int count, char **arguments)
{
    static struct tr_set first, second;
    static uint8_t map[256];
    bool complement = false, remove = false, squeeze = false, truncate = false;
    struct options options;
    options_start(&options, count, arguments, OPTIONS_FIRST);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        complement |= letter == 'c' || letter == 'C';
        remove |= letter == 'd';
        squeeze |= letter == 's';
        truncate |= letter == 't';
    }
    bool two = remove == squeeze; /* otherwise one set may do */
    if (options.count < (two ? 2 : 1) || options.count > (remove && !squeeze ? 1 : 2))
        return usage("%s", options.count > 1 ? "too many sets" : "sets expected");
    const char *message = tr_set_read(&first, options.arguments[0], NULL);
    if (!message && complement)
        tr_set_complement(&first);
    if (!message && options.count == 2)
        message = tr_set_read(&second, options.arguments[1], &first);
    if (message)
        return complain_text(options.arguments[options.count - 1], message);
    bool change = options.count == 2 && !remove;
    if (change && second.count == 0 && !truncate)
        return complain_text(NULL, "the second set is empty");
    for (unsigned i = 0; i < 256; i++)
        map[i] = (uint8_t)i;
    for (size_t i = 0; change && i < first.count && !(truncate && i >= second.count); i++)
        map[first.bytes[i]] = second.bytes[i < second.count ? i : second.count - 1];
    const bool *squeezed = options.count == 2 ? second.has : first.has;
    struct input input;
    char *piece;
    size_t length;
    int last = -1;
    if (!input_open(&input, "-"))
        return 1;
    input.name = "standard input";
    while (input_piece(&input, &piece, &length)) {
        if (!remove && !squeeze) {
            for (size_t i = 0; i < length; i++)
                piece[i] = (char)map[(uint8_t)piece[i]];
            out_bytes(piece, length);
            continue;
        }
        size_t kept = 0;
        for (size_t i = 0; i < length; i++) {
            uint8_t byte = (uint8_t)piece[i];
            if (remove && first.has[byte])
                continue;
            byte = map[byte];
            if (squeeze && byte == last && squeezed[byte])
                continue;
            last = byte;
            piece[kept++] = (char)byte;
        }
        out_bytes(piece, kept);
    }
    return out_finish(input.failed);
}
