/* grep: lines that a pattern fits.
 *
 * The input is looked at in pieces of many lines. Where every pattern has bytes that a line must contain, these
 * are searched for in the whole piece, and only the lines found are looked at closely. */
#define _GNU_SOURCE 1 /* memmem, memrchr */
#include "command.h"
#include "expression.h"
#include "glob.h"
#include <stdlib.h>
#include <string.h>
#include <swos/fd.h>
#include <swos/path.h>

struct pattern {
    struct regex regex; /* for fixed text only its literal */
    size_t next;        /* where the literal is next; SIZE_MAX: nowhere in this piece */
};

static struct pattern *patterns;
static size_t pattern_count;
static bool all_literal = true; /* every pattern has a literal */
static bool fixed, invert, count_only, list_with, list_without, quiet, words, whole, only, silent,
    text_always;
static bool numbers, names, recursive, offsets;
static unsigned flags;
static uint64_t before, after, most = UINT64_MAX;
static const char *include, *exclude, *exclude_directory;

/* ---- patterns */

static void add_pattern(const char *text, size_t length)
{
    struct pattern *grown = realloc(patterns, (pattern_count + 1) * sizeof(*patterns));
    if (!grown)
        out_of_memory(NULL);
    patterns = grown;
    struct pattern *pattern = &patterns[pattern_count++];
    memset(pattern, 0, sizeof(*pattern));
    if (fixed && !(flags & REGEX_FOLD)) {
        char *copy = malloc(length + 1);
        if (!copy)
            out_of_memory(NULL);
        memcpy(copy, text, length);
        pattern->regex = (struct regex){ .literal = copy, .literal_length = length, .pure = true };
        all_literal &= length > 0;
        return;
    }
    char *escaped = NULL;
    if (fixed) { /* letters of both sizes: as an expression of letters */
        escaped = malloc(2 * length + 1);
        if (!escaped)
            out_of_memory(NULL);
        size_t used = 0;
        for (size_t i = 0; i < length; i++) {
            if (strchr(".[\\*^$", text[i]) && text[i])
                escaped[used++] = '\\';
            escaped[used++] = text[i];
        }
        text = escaped;
        length = used;
    }
    const char *message =
        regex_compile(&pattern->regex, text, length,
                      (fixed ? flags & ~REGEX_EXTENDED : flags) | (whole ? REGEX_WHOLE : 0));
    if (message) {
        out_flush();
        complain_text(text, message);
        exit(2);
    }
    free(escaped);
    all_literal &= pattern->regex.literal_length > 0;
}

/* A list of patterns: lines. */
static void add_patterns(const char *text, size_t length)
{
    const char *end = text + length;
    for (;;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        add_pattern(text, (size_t)((stop ? stop : end) - text));
        if (!stop)
            return;
        text = stop + 1;
    }
}

/* ---- a line */

static bool is_word(const char *text, size_t length, size_t at, bool backwards)
{
    if (backwards ? at == 0 : at == length)
        return false;
    uint8_t c = (uint8_t)text[backwards ? at - 1 : at];
    return c == '_' || c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z');
}

static bool one_fits(const struct pattern *pattern, const char *line, size_t length, size_t from,
                     struct regex_range *range)
{
    const struct regex *regex = &pattern->regex;
    for (;; from = range->start + 1) {
        if (from > length)
            return false;
        if (fixed && !(flags & REGEX_FOLD)) {
            const char *found =
                regex->literal_length
                    ? memmem(line + from, length - from, regex->literal, regex->literal_length)
                    : line + from;
            if (!found)
                return false;
            range->start = (size_t)(found - line);
            range->end = range->start + regex->literal_length;
            if (whole && (range->start != 0 || range->end != length)) {
                if (range->start == 0)
                    continue;
                return false;
            }
        } else if (!regex_search(regex, line, length, from, range, only || words)) {
            return false;
        }
        if (!words || (!is_word(line, length, range->start, true) &&
                       !is_word(line, length, range->end, false)))
            return true;
    }
}

/* The first match from `from` on, the longest of those. */
static bool line_fits(const char *line, size_t length, size_t from, struct regex_range *range)
{
    bool found = false;
    for (size_t i = 0; i < pattern_count; i++) {
        struct regex_range one;
        if (!one_fits(&patterns[i], line, length, from, &one))
            continue;
        if (!found || one.start < range->start ||
            (one.start == range->start && one.end > range->end))
            *range = one;
        found = true;
        if (!only)
            return true;
    }
    return found;
}

/* ---- an input */

struct search {
    struct input input;
    const char *name; /* as printed */
    uint64_t selected, left_after;
    uint64_t line, base;     /* number of the line at `counted`; bytes before the buffer */
    size_t counted, printed; /* offsets in the piece: printed: all before it is out or passed */
    bool any_printed, gap, binary, full,
        done; /* full: only what stands behind the last line is still to print */
};

/* The next line in text[at..limit) that fits; false: none. */
static bool next_line(const char *text, size_t at, size_t limit, size_t *out_start, size_t *out_end)
{
    while (at < limit) {
        size_t start = at;
        if (all_literal) {
            size_t nearest = SIZE_MAX;
            for (size_t i = 0; i < pattern_count; i++) {
                struct pattern *pattern = &patterns[i];
                if (pattern->next != SIZE_MAX && pattern->next < at) {
                    const char *found = memmem(text + at, limit - at, pattern->regex.literal,
                                               pattern->regex.literal_length);
                    pattern->next = found ? (size_t)(found - text) : SIZE_MAX;
                }
                nearest = pattern->next < nearest ? pattern->next : nearest;
            }
            if (nearest == SIZE_MAX)
                return false;
            const char *line = memrchr(text + at, '\n', nearest - at);
            start = line ? (size_t)(line - text) + 1 : at;
        }
        const char *stop = memchr(text + start, '\n', limit - start);
        size_t end = stop ? (size_t)(stop - text) + 1 : limit,
               length = end - start - (stop != NULL);
        struct regex_range range;
        if (line_fits(text + start, length, 0, &range)) {
            *out_start = start;
            *out_end = end;
            return true;
        }
        at = end;
    }
    return false;
}

static uint64_t count_lines(const char *text, size_t from, size_t to)
{
    uint64_t lines = 0;
    for (const char *at = text + from, *end = text + to;
         (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return lines;
}

static void print_head(struct search *search, const char *text, size_t at, char mark)
{
    if (names) {
        out_text(search->name);
        out_char(mark);
    }
    if (numbers) {
        search->line += count_lines(text, search->counted, at);
        search->counted = at;
        out_format("%llu%c", (unsigned long long)search->line, mark);
    }
    if (offsets)
        out_format("%llu%c", (unsigned long long)(search->base + at), mark);
}

static void print_line(struct search *search, const char *text, size_t start, size_t end, char mark)
{
    print_head(search, text, start, mark);
    out_bytes(text + start, end - start);
    if (text[end - 1] != '\n')
        out_char('\n');
    search->any_printed = true;
}

static void print_matches(struct search *search, const char *text, size_t start, size_t end)
{
    const char *line = text + start;
    size_t length = end - start - (text[end - 1] == '\n');
    struct regex_range range;
    for (size_t from = 0; from <= length && line_fits(line, length, from, &range);) {
        if (range.end > range.start) {
            print_head(search, text, start + range.start, ':');
            out_bytes(line + range.start, range.end - range.start);
            out_char('\n');
        }
        from = range.end > range.start ? range.end : range.end + 1;
    }
}

/* Where the `lines` lines before `at` start, not before `floor`. */
static size_t lines_back(const char *text, size_t at, size_t floor, uint64_t lines)
{
    for (; lines > 0 && at > floor; lines--) {
        const char *line = at - floor > 1 ? memrchr(text + floor, '\n', at - floor - 1) : NULL;
        at = line ? (size_t)(line - text) + 1 : floor;
    }
    return at;
}

/* A selected line. */
static void select_line(struct search *search, const char *text, size_t start, size_t end)
{
    search->selected++;
    if (quiet || list_with || list_without) {
        search->done = true;
        return;
    }
    if (!count_only && search->binary && !text_always) {
        out_text("Binary file ");
        out_text(search->name);
        out_text(" matches\n");
        search->done = true;
        return;
    }
    if (!count_only) {
        size_t from = lines_back(text, start, search->printed, before);
        if ((before || after) && search->any_printed && (search->gap || from > search->printed))
            out_text("--\n");
        while (from < start && !only) {
            const char *stop = memchr(text + from, '\n', start - from);
            size_t next = (size_t)(stop - text) + 1;
            print_line(search, text, from, next, '-');
            from = next;
        }
        if (!only)
            print_line(search, text, start, end, ':');
        else if (!invert)
            print_matches(search, text, start, end);
        search->any_printed = true;
        search->gap = false;
        search->printed = end;
        search->left_after = after;
    }
    search->full = search->selected >= most;
    search->done = search->full && search->left_after == 0;
}

/* Lines that are not selected, which may stand behind one that is. */
static void pass_lines(struct search *search, const char *text, size_t start, size_t end)
{
    while (search->left_after > 0 && start < end) {
        const char *stop = memchr(text + start, '\n', end - start);
        size_t next = stop ? (size_t)(stop - text) + 1 : end;
        if (!only)
            print_line(search, text, start, next, '-');
        search->left_after--;
        search->printed = start = next;
    }
}

static void scan(struct search *search, const char *text, size_t at, size_t limit)
{
    for (size_t i = 0; i < pattern_count && all_literal; i++) {
        const char *found = memmem(text + at, limit - at, patterns[i].regex.literal,
                                   patterns[i].regex.literal_length);
        patterns[i].next = found ? (size_t)(found - text) : SIZE_MAX;
    }
    while (at < limit && !search->done) {
        if (search->full) {
            pass_lines(search, text, at, limit);
            search->done = search->left_after == 0;
            return;
        }
        size_t start = limit, end = limit;
        bool found = next_line(text, at, limit, &start, &end);
        if (!invert) {
            pass_lines(search, text, at, start);
            if (found)
                select_line(search, text, start, end);
        } else {
            if (count_only && most == UINT64_MAX && !quiet && !list_with && !list_without) {
                search->selected += count_lines(text, at, start);
                search->selected += start == limit && start > at && text[limit - 1] != '\n';
                at = start;
            }
            while (at < start && !search->done && !search->full) {
                const char *stop = memchr(text + at, '\n', start - at);
                size_t next = stop ? (size_t)(stop - text) + 1 : start;
                select_line(search, text, at, next);
                at = next;
            }
            if (search->full)
                continue;
            if (found && !search->done)
                pass_lines(search, text, start, end);
        }
        at = end;
    }
}

/* 0: selected something; 1: nothing; 2: trouble. */
static int search_file(const char *path, const char *name)
{
    struct search search = { .name = name, .line = 1 };
    if (silent && strcmp(path, "-") != 0) {
        int fd;
        if (sw_fd_open(path, SW_OPEN_READ, 0, &fd) != SW_OK)
            return 2;
        sw_fd_close(fd);
    }
    if (most == 0)
        return 1;
    struct input *input = &search.input;
    if (!input_open(input, path))
        return 2;
    if (!strcmp(path, "-"))
        search.name = "(standard input)";
    if (!quiet && !count_only && !list_with && !list_without && is_own_output(input->fd)) {
        input_close(input);
        complain_text(search.name, "is where the output goes");
        return 2;
    }
    size_t at = 0, seen = 0; /* at: a line starts there, of which all up to seen is no newline */
    while (!search.done) {
        bool more = input_fill(input);
        size_t there = input->end - input->start;
        const char *text = input->buffer + input->start;
        const char *last = there > seen ? memrchr(text + seen, '\n', there - seen) : NULL;
        size_t limit = !more ? there : last ? (size_t)(last - text) + 1 : at;
        search.binary |= there > seen && memchr(text + seen, 0, there - seen) != NULL;
        seen = there;
        if (limit > at)
            scan(&search, text, at, limit);
        at = limit;
        if (!more)
            break;
        size_t keep = before ? lines_back(text, at, search.printed, before) : at;
        if (numbers) {
            search.line += count_lines(text, search.counted, keep);
            search.counted = keep;
        }
        search.gap |= keep > search.printed && search.any_printed;
        search.printed = search.printed > keep ? search.printed - keep : 0;
        search.counted = numbers ? search.counted - keep : 0;
        search.base += keep;
        input->start += keep;
        at -= keep;
        seen -= keep;
    }
    bool failed = input->failed;
    input_close(input);
    if (count_only && !quiet && !list_with && !list_without) {
        if (names) {
            out_text(search.name);
            out_char(':');
        }
        out_format("%llu\n", (unsigned long long)search.selected);
    }
    if (!quiet && ((list_with && search.selected) || (list_without && !search.selected))) {
        out_text(search.name);
        out_char('\n');
    }
    return failed ? 2 : (search.selected > 0) != list_without ? 0 : 1;
}

/* ---- files and directories */

static bool selected, failed;
static bool stripped; /* no operand: names without ./ */

static void take_result(int result)
{
    selected |= result == 0;
    failed |= result == 2;
    if (quiet && selected) /* nothing else can change the answer */
        exit(0);
}

static int search_tree(const char *path, const struct sw_attributes *attributes)
{
    size_t length;
    const char *name = base_name(path, &length);
    if (attributes->kind == SW_FILE_DIRECTORY) {
        if (!exclude_directory || !glob_matches(exclude_directory, name, false))
            failed |= for_each_entry(path, search_tree) != 0;
    } else if ((!include || glob_matches(include, name, false)) &&
               (!exclude || !glob_matches(exclude, name, false)) &&
               attributes->kind == SW_FILE_REGULAR) {
        take_result(search_file(path, stripped && !strncmp(path, "./", 2) ? path + 2 : path));
    }
    return 0;
}

static bool number_of(const struct options *options, uint64_t *out)
{
    if (parse_number(options->value, 10, out))
        return true;
    usage("%s: not a number of lines", options->value);
    return false;
}

static void read_patterns(const char *name)
{
    struct input input;
    if (!input_open(&input, name) || !input_whole(&input))
        exit(2);
    size_t length = input.end - input.start;
    const char *text = input.buffer + input.start;
    if (length > 0)
        add_patterns(text, length - (text[length - 1] == '\n'));
    input_close(&input);
}

int command_grep(int count, char **arguments)
{
    static char *here[] = { ".", NULL };
    struct options options;
    char with_names = 0;
    /* patterns are read when all options are known */
    struct given {
        bool file;
        const char *text;
    } *given = calloc((size_t)count, sizeof(*given));
    size_t given_count = 0;
    if (!given)
        out_of_memory(NULL);
    trouble = 2;
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status == 1 ? 2 : options.status;
        switch (letter) {
        case 'E':
            flags |= REGEX_EXTENDED;
            fixed = false;
            break;
        case 'G':
            flags &= ~REGEX_EXTENDED;
            fixed = false;
            break;
        case 'F':
            fixed = true;
            break;
        case 'i':
        case 'y':
            flags |= REGEX_FOLD;
            break;
        case 'e':
        case 'f':
            given[given_count++] = (struct given){ letter == 'f', options.value };
            break;
        case 'H':
        case 'h':
            with_names = (char)letter;
            break;
        case 'A':
            if (!number_of(&options, &after))
                return 2;
            break;
        case 'B':
            if (!number_of(&options, &before))
                return 2;
            break;
        case 'C':
        case OPTION_NUMBER:
            if (!number_of(&options, &before))
                return 2;
            after = before;
            break;
        case 'm':
            if (!number_of(&options, &most))
                return 2;
            break;
        case OPTION_LONG:
            if (!strcmp(options.name, "include"))
                include = options.value;
            else if (!strcmp(options.name, "exclude"))
                exclude = options.value;
            else
                exclude_directory = options.value;
            break;
        default:
            invert |= letter == 'v';
            count_only |= letter == 'c';
            list_with |= letter == 'l';
            list_without |= letter == 'L';
            quiet |= letter == 'q';
            words |= letter == 'w';
            whole |= letter == 'x';
            only |= letter == 'o';
            silent |= letter == 's';
            text_always |= letter == 'a';
            numbers |= letter == 'n';
            offsets |= letter == 'b';
            recursive |= letter == 'r' || letter == 'R';
        }
    }
    if (given_count == 0) {
        if (options.count == 0)
            return usage("pattern expected");
        add_patterns(options.arguments[0], strlen(options.arguments[0]));
        options.arguments++;
        options.count--;
    }
    for (size_t i = 0; i < given_count; i++) {
        if (given[i].file)
            read_patterns(given[i].text);
        else
            add_patterns(given[i].text, strlen(given[i].text));
    }
    if (pattern_count == 0)
        all_literal = false; /* nothing fits */
    if (options.count == 0 && recursive) {
        options.arguments = here;
        options.count = 1;
        stripped = true;
    }
    operands_default(&options);
    names = with_names ? with_names == 'H'
                       : options.count > 1 || (recursive && is_directory(options.arguments[0]));
    for (int i = 0; i < options.count; i++) {
        const char *path = options.arguments[i];
        struct sw_attributes attributes;
        bool directory = strcmp(path, "-") != 0 && sw_path_attributes(path, &attributes) == SW_OK &&
                         attributes.kind == SW_FILE_DIRECTORY;
        if (directory && recursive) {
            search_tree(path, &attributes);
        } else if (directory) {
            out_flush();
            if (!silent)
                complain(path, SW_IS_DIRECTORY);
            failed = true;
        } else {
            take_result(search_file(path, path));
        }
    }
    return out_finish(failed ? 2 : selected ? 0 : 1);
}
