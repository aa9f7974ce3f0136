/* sed: edits a stream of lines. */
#include "sed.h"
#include "command.h"
#include <stdlib.h>
#include <string.h>
#include <swos/abi.h>
#include <swos/fd.h>
#include <swos/log.h>
#include <swos/path.h>

struct text {
    char *bytes;
    size_t length, capacity;
};

static struct sed_script script;
static struct text space, hold, made; /* made: what s is building */
static bool quiet, separate, in_place;
static bool newline = true; /* the line in the pattern space ended with one */
static bool hold_newline = true;
static bool missing; /* what was printed last lacks it: it comes when something else is printed */
static uint64_t line;
static int result;
static struct regex *last_regex;
static const char *suffix;

/* ---- texts */

static void reserve(struct text *text, size_t more)
{
    if (text->capacity - text->length >= more)
        return;
    size_t capacity = 2 * (text->length + more) + 64;
    char *grown = realloc(text->bytes, capacity);
    if (!grown)
        out_of_memory(NULL);
    text->bytes = grown;
    text->capacity = capacity;
}

static void append(struct text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    if (length > 0)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

/* ---- input: the files one after the other, with a look at what comes to know the last line */

static char **files;
static size_t file_count, next_file;
static struct input input;
static bool open_now;
static int saved_output;
static char *target, *temporary;

static _Noreturn void give_up(int status)
{
    out_abandon();
    exit(status);
}

/* Standard output is what it was before the file; what was written instead takes the file's place, or goes. */
static void end_in_place(bool good)
{
    out_flush();
    missing = false;
    sw_fd_duplicate_to(saved_output, 1);
    sw_fd_close(saved_output);
    out_target = NULL;
    if (!good) {
        out_abandon();
        return;
    }
    struct sw_attributes attributes;
    status_t status = sw_path_attributes(target, &attributes);
    if (status == SW_OK) {
        (void)sw_path_set_owner(temporary, attributes.owner); /* as cp -p: who may not keeps it */
        status = sw_path_set_mode(temporary, attributes.mode);
    }
    if (status == SW_OK && suffix) {
        char kept[SW_PATH_MAX];
        size_t length = strlen(target) + strlen(suffix);
        sw_format(kept, sizeof(kept), "%s%s", target, suffix);
        status = length < sizeof(kept) ? sw_path_rename(target, kept) : SW_NAME_TOO_LONG;
    }
    if (status == SW_OK)
        status = sw_path_rename(temporary, target);
    if (status != SW_OK) {
        result = 4 * complain(target, status);
        out_abandon();
    }
    out_temporary = NULL;
}

/* A new file beside the old one; its name is nobody's, so that one left by a sed that was killed is in nobody's
 * way. */
static bool begin_in_place(char *name)
{
    static char path[SW_PATH_MAX];
    size_t length;
    int directory = (int)(base_name(name, &length) - name), fd, tries = 0;
    uint32_t number;
    status_t status;
    do {
        status = sw_random(&number, sizeof(number));
        if (status == SW_OK && sw_format(path, sizeof(path), "%.*s.sed%08x", directory, name,
                                         number) >= sizeof(path) - 1)
            status = SW_NAME_TOO_LONG;
        if (status == SW_OK)
            status =
                sw_fd_open(path, SW_OPEN_WRITE | SW_OPEN_CREATE | SW_OPEN_EXCLUSIVE, 0600, &fd);
    } while (status == SW_EXISTS && ++tries < 100);
    if (status == SW_OK)
        out_temporary = temporary = path;
    if (status == SW_OK)
        status = sw_fd_duplicate(1, 10, &saved_output);
    if (status != SW_OK) {
        complain(name, status);
        out_abandon();
        return false;
    }
    out_flush();
    sw_fd_duplicate_to(fd, 1);
    sw_fd_close(fd);
    target = name;
    out_target = name;
    return true;
}

/* Whether there is one more line in the files opened and, unless each stands alone, in those to come. */
static bool more_input(void)
{
    for (;;) {
        if (open_now) {
            if (input.start < input.end || input_fill(&input))
                return true;
            if (separate)
                return false;
            result |= input.failed ? 2 : 0;
            input_close(&input);
            open_now = false;
        }
        if (next_file == file_count)
            return false;
        char *name = files[next_file++];
        if (is_directory(name)) {
            result = 2 * complain(name, SW_IS_DIRECTORY);
            continue;
        }
        if (!input_open(&input, name)) {
            result = 2;
            continue;
        }
        open_now = true;
    }
}

/* The next line into the pattern space, behind what is there when `joined`. False: there is none. */
static bool read_line(bool joined)
{
    char *bytes;
    size_t length;
    if (!more_input() || !input_line(&input, '\n', &bytes, &length))
        return false;
    bool ended = bytes[length - 1] == '\n';
    if (joined)
        append(&space, "\n", 1);
    else
        space.length = 0;
    append(&space, bytes, length - ended);
    newline = ended;
    line++;
    return true;
}

static bool is_last(void)
{
    return !more_input();
}

/* ---- output */

static void before_output(void)
{
    if (missing)
        out_char('\n');
    missing = false;
}

static void print_text(const char *bytes, size_t length)
{
    before_output();
    out_bytes(bytes, length);
}

static void print_space(size_t length)
{
    print_text(space.bytes, length);
    if (newline || length < space.length)
        out_char('\n');
    else
        missing = true;
}

/* What a and r put behind the line, when it is done. */
static struct queued {
    const struct sed_command *command;
} * queue;
static size_t queue_count, queue_capacity;

static void enqueue(const struct sed_command *command)
{
    if (queue_count == queue_capacity) {
        queue_capacity = queue_capacity ? 2 * queue_capacity : 8;
        queue = realloc(queue, queue_capacity * sizeof(*queue));
        if (!queue)
            out_of_memory(NULL);
    }
    queue[queue_count++].command = command;
}

static void flush_queue(void)
{
    for (size_t i = 0; i < queue_count; i++) {
        const struct sed_command *command = queue[i].command;
        int fd;
        if (command->name == 'a') {
            print_text(command->text, command->length);
        } else if (sw_fd_open(command->text, SW_OPEN_READ, 0, &fd) == SW_OK) {
            char piece[4096];
            size_t done = 0;
            while (sw_fd_read(fd, piece, sizeof(piece), SW_NEVER, &done) == SW_OK && done > 0)
                print_text(piece, done);
            sw_fd_close(fd);
        }
    }
    queue_count = 0;
}

static void write_space(const struct sed_command *command)
{
    if (command->fd == 0) {
        print_space(space.length);
        return;
    }
    append(&space, "\n", 1);
    status_t status = write_all(command->fd, space.bytes, space.length);
    space.length--;
    if (status != SW_OK) {
        complain(command->text, status);
        give_up(4);
    }
}

/* l: what cannot be seen as escapes, lines folded. */
static void print_visible(size_t width)
{
    static const char letters[] = "\a\b\f\n\r\t\v", names[] = "abfnrtv";
    size_t column = 0;
    before_output();
    for (size_t i = 0; i < space.length; i++) {
        char shown[8];
        uint8_t c = (uint8_t)space.bytes[i];
        const char *letter = c ? memchr(letters, c, sizeof(letters) - 1) : NULL;
        size_t length;
        if (letter || c == '\\')
            length =
                sw_format(shown, sizeof(shown), "\\%c", letter ? names[letter - letters] : '\\');
        else if (c < ' ' || c >= 0x7f)
            length = sw_format(shown, sizeof(shown), "\\%u%u%u", c >> 6, c >> 3 & 7u, c & 7u);
        else
            length = sw_format(shown, sizeof(shown), "%c", c);
        if (width > 1 && column + length > width - 1) {
            out_text("\\\n");
            column = 0;
        }
        out_bytes(shown, length);
        column += length;
    }
    out_text("$\n");
}

/* ---- addresses */

static bool regex_fits(struct regex *regex)
{
    regex = regex ? regex : last_regex;
    if (!regex) {
        complain_text(NULL, "no expression was used before //");
        give_up(1);
    }
    last_regex = regex;
    return regex_search(regex, space.bytes, space.length, 0, NULL, 0);
}

static bool address_fits(const struct sed_address *address)
{
    switch (address->kind) {
    case ADDRESS_LAST:
        return is_last();
    case ADDRESS_REGEX:
        return regex_fits(address->regex);
    case ADDRESS_LINE: /* its step is 0 */
    case ADDRESS_STEP:
        return address->step ? line >= address->line && (line - address->line) % address->step == 0
                             : line == address->line;
    default:
        return true;
    }
}

/* A range from a line that n or N has passed over begins with the next one, unless that is behind its end, too. */
static bool range_begins(struct sed_command *command)
{
    const struct sed_address *first = &command->first, *second = &command->second;
    bool begins = address_fits(first);
    if (!begins && first->kind == ADDRESS_LINE && first->line > 0 && line > first->line &&
        (command->began == 0 || line < command->began))
        begins = second->kind != ADDRESS_LINE || line <= second->line;
    if (begins)
        command->began = line;
    return begins;
}

/* Whether the line is in the command's range, which may begin or end here. */
static bool range_fits(struct sed_command *command)
{
    const struct sed_address *second = &command->second;
    if (command->on) {
        if (second->kind == ADDRESS_REGEX) {
            command->on = !regex_fits(second->regex);
            return true;
        }
        if (second->kind == ADDRESS_LAST) {
            command->on = !is_last();
            return true;
        }
        command->on = line < command->until;
        /* a range by numbers that is over already, as after n: this line is none of it */
        return line <= command->until;
    }
    if (!range_begins(command))
        return false;
    switch (second->kind) {
    case ADDRESS_LINE:
        command->until = second->line;
        break;
    case ADDRESS_MORE:
        command->until = line + second->line;
        break;
    case ADDRESS_MULTIPLE:
        command->until = second->line ? (line / second->line + 1) * second->line : line;
        break;
    case ADDRESS_LAST:
        command->on = !is_last();
        return true;
    default:
        command->on = true;
        return true;
    }
    command->on = line < command->until;
    return true;
}

static bool selected(struct sed_command *command)
{
    bool fits =
        command->second.kind != ADDRESS_NONE ? range_fits(command) : address_fits(&command->first);
    return fits != command->negated;
}

/* ---- s */

/* Adds text with its letters changed: `once` for the first character, `all` for those behind it. */
static void append_changed(const char *bytes, size_t length, char *once, char all)
{
    size_t from = made.length;
    append(&made, bytes, length);
    for (size_t i = from; i < made.length; i++) {
        char how = *once ? *once : all, c = made.bytes[i];
        *once = 0;
        if ((how == 'U' || how == 'u') && c >= 'a' && c <= 'z')
            made.bytes[i] = (char)(c - 'a' + 'A');
        if ((how == 'L' || how == 'l') && c >= 'A' && c <= 'Z')
            made.bytes[i] = (char)(c - 'A' + 'a');
    }
}

static void append_replacement(const struct sed_command *command, const struct regex_range *ranges)
{
    char once = 0, all = 0;
    for (size_t i = 0; i < command->piece_count; i++) {
        const struct sed_piece *piece = &command->pieces[i];
        append_changed(piece->text, piece->length, &once, all);
        if (piece->group >= 0 && ranges[piece->group].set)
            append_changed(space.bytes + ranges[piece->group].start,
                           ranges[piece->group].end - ranges[piece->group].start, &once, all);
        if (piece->change == 'u' || piece->change == 'l')
            once = piece->change;
        else if (piece->change)
            all = piece->change == 'E' ? 0 : piece->change;
    }
}

static bool substitute(const struct sed_command *command)
{
    struct regex_range ranges[10];
    struct regex *regex = command->regex ? command->regex : last_regex;
    size_t from = 0, copied = 0, groups = 1, last_end = SIZE_MAX;
    uint64_t seen = 0;
    bool changed = false;
    if (!regex) {
        complain_text(NULL, "no expression was used before //");
        give_up(1);
    }
    last_regex = regex;
    for (size_t i = 0; i < command->piece_count; i++)
        if (command->pieces[i].group >= (int)groups)
            groups = (size_t)command->pieces[i].group + 1;
    made.length = 0;
    reserve(&space, 1);
    while (from <= space.length &&
           regex_search(regex, space.bytes, space.length, from, ranges, groups)) {
        bool empty = ranges[0].end == ranges[0].start;
        /* nothing right behind a match is no match of its own */
        bool counts = !(empty && seen > 0 && ranges[0].start == last_end);
        last_end = ranges[0].end;
        if (counts && ++seen >= command->number) {
            append(&made, space.bytes + copied, ranges[0].start - copied);
            append_replacement(command, ranges);
            copied = ranges[0].end;
            changed = true;
            if (!command->all)
                break;
        }
        from = ranges[0].end;
        if (empty) {
            if (from >= space.length)
                break;
            uint32_t c;
            size_t size = utf8_decode(space.bytes + from, space.length - from, &c);
            from += size ? size : 1;
        }
    }
    if (!changed)
        return false;
    append(&made, space.bytes + copied, space.length - copied);
    struct text other = space;
    space = made;
    made = other;
    return true;
}

/* ---- running */

enum outcome { NEXT_CYCLE, AGAIN, END };

static bool substituted; /* since the last line was read or t went */

/* The end of a cycle: the pattern space, unless -n, and what is queued. */
static void finish_cycle(bool print)
{
    if (print && !quiet)
        print_space(space.length);
    flush_queue();
}

static enum outcome run(void)
{
    for (size_t i = 0; i < script.count;) {
        struct sed_command *command = &script.commands[i++];
        if (command->name == '}' || command->name == ':')
            continue;
        if (!selected(command)) {
            if (command->name == '{')
                i = command->target;
            continue;
        }
        switch (command->name) {
        case '=':
            before_output();
            out_format("%llu\n", (unsigned long long)line);
            break;
        case 'a':
        case 'r':
            enqueue(command);
            break;
        case 'i':
            print_text(command->text, command->length);
            break;
        case 'c':
            if (command->second.kind == ADDRESS_NONE || command->negated || !command->on)
                print_text(command->text, command->length);
            finish_cycle(false);
            return NEXT_CYCLE;
        case 'b':
            i = command->target;
            break;
        case 't':
            if (substituted)
                i = command->target;
            substituted = false;
            break;
        case 'T':
            if (!substituted)
                i = command->target;
            substituted = false;
            break;
        case 'd':
            finish_cycle(false);
            return NEXT_CYCLE;
        case 'D': {
            const char *stop = space.length ? memchr(space.bytes, '\n', space.length) : NULL;
            finish_cycle(false);
            if (!stop)
                return NEXT_CYCLE;
            space.length -= (size_t)(stop + 1 - space.bytes);
            memmove(space.bytes, stop + 1, space.length);
            return AGAIN;
        }
        case 'g':
            space.length = 0;
            append(&space, hold.bytes, hold.length);
            newline = hold_newline;
            break;
        case 'G':
            append(&space, "\n", 1);
            append(&space, hold.bytes, hold.length);
            newline = hold_newline;
            break;
        case 'h':
            hold.length = 0;
            append(&hold, space.bytes, space.length);
            hold_newline = newline;
            break;
        case 'H':
            append(&hold, "\n", 1);
            append(&hold, space.bytes, space.length);
            hold_newline = newline;
            break;
        case 'x': {
            struct text other = space;
            space = hold;
            hold = other;
            bool other_newline = newline;
            newline = hold_newline;
            hold_newline = other_newline;
            break;
        }
        case 'l':
            print_visible(command->number ? (size_t)command->number : 70);
            break;
        case 'n':
            if (is_last()) {
                finish_cycle(true);
                return END;
            }
            finish_cycle(true);
            read_line(false);
            break;
        case 'N':
            if (is_last()) { /* as GNU: what is there is printed */
                finish_cycle(true);
                return END;
            }
            flush_queue();
            read_line(true);
            break;
        case 'p':
            print_space(space.length);
            break;
        case 'P': {
            const char *stop = space.length ? memchr(space.bytes, '\n', space.length) : NULL;
            print_space(stop ? (size_t)(stop - space.bytes) : space.length);
            break;
        }
        case 'q':
        case 'Q':
            if (command->name == 'q')
                finish_cycle(true);
            result = (int)command->number;
            return END;
        case 's':
            if (!substitute(command))
                break;
            substituted = true;
            if (command->print)
                print_space(space.length);
            if (command->text)
                write_space(command);
            break;
        case 'w':
            write_space(command);
            break;
        case 'y':
            for (size_t j = 0; j < space.length; j++)
                space.bytes[j] = command->text[(uint8_t)space.bytes[j]];
            break;
        case 'z':
            space.length = 0;
            break;
        case 'F':
            before_output();
            out_text(input.fd == 0 ? "-" : input.name);
            out_char('\n');
            break;
        default:
            break;
        }
    }
    finish_cycle(true);
    return NEXT_CYCLE;
}

static bool run_all(void)
{
    bool have = read_line(false);
    while (have) {
        enum outcome outcome = run();
        if (outcome == END)
            return false;
        substituted = false;
        have = outcome == AGAIN || read_line(false);
    }
    return true;
}

/* Each file for itself. */
static void run_separately(void)
{
    size_t count = file_count;
    for (size_t i = 0; i < count; i++) {
        struct sw_attributes attributes;
        next_file = i;
        file_count = i + 1;
        open_now = false;
        if (in_place) {
            status_t status = sw_path_attributes(files[i], &attributes);
            if (status != SW_OK) {
                result = 2 * complain(files[i], status);
                continue;
            }
            if (attributes.kind != SW_FILE_REGULAR || !begin_in_place(files[i])) {
                result = attributes.kind != SW_FILE_REGULAR
                             ? 4 * complain_text(files[i], "not a file")
                             : 4;
                continue;
            }
        }
        line = 0;
        bool more = run_all();
        bool good = open_now && !input.failed;
        if (open_now)
            input_close(&input);
        if (!good)
            result = 2;
        if (in_place) /* what is not all of the file does not replace it */
            end_in_place(good);
        if (!more)
            return;
    }
}

int command_sed(int count, char **arguments)
{
    struct options options;
    struct text text = { 0 };
    unsigned flags = 0;
    bool given = false;
    /* the only option of all with a value or none: -i.bak */
    for (int i = 1; i < count && strcmp(arguments[i], "--") != 0; i++)
        if (!strncmp(arguments[i], "-i", 2) && arguments[i][2]) {
            suffix = arguments[i] + 2;
            arguments[i] = "-i";
        }
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status;
        if (letter == 'e' || letter == 'f') {
            if (given)
                append(&text, "\n", 1);
            given = true;
        }
        if (letter == 'e') {
            append(&text, options.value, strlen(options.value));
        } else if (letter == 'f') {
            struct input file;
            if (!input_open(&file, options.value) || !input_whole(&file))
                return 1;
            append(&text, file.buffer + file.start, file.end - file.start);
            if (text.length > 0 && text.bytes[text.length - 1] == '\n')
                text.length--;
            input_close(&file);
        } else if (letter == 'E' || letter == 'r') {
            flags |= REGEX_EXTENDED;
        } else if (letter == 'n') {
            quiet = true;
        } else if (letter == 's') {
            separate = true;
        } else if (letter == 'i') {
            in_place = separate = true;
        }
    }
    if (!given) {
        if (options.count == 0)
            return usage("script expected");
        append(&text, options.arguments[0], strlen(options.arguments[0]));
        options.arguments++;
        options.count--;
    }
    reserve(&text, 1);
    reserve(&space, 1);
    reserve(&hold, 1);
    reserve(&made, 1);
    sed_read(&script, text.bytes, text.length, flags);
    quiet |= script.quiet;
    if (in_place && options.count == 0)
        return usage("-i: file expected");
    trouble = 4;
    operands_default(&options);
    files = options.arguments;
    file_count = (size_t)options.count;
    if (separate)
        run_separately();
    else
        run_all();
    return out_finish(result);
}
