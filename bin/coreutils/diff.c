/* diff: what is different in two files, or in the files of two directories. */
#include "command.h"
#include "myers.h"
#include "times.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/path.h>

static bool unified, brief, recursive, report_same, absent_empty, fold, blanks_alike, no_blanks,
    text_always;
static uint64_t context = 3;
static char **given; /* the options, for the heads of a comparison of directories */
static int given_count;

struct line {
    const char *text;
    size_t length; /* without the newline */
};

struct file {
    const char *name;
    struct input input;
    bool absent; /* as if it were empty */
    struct sw_attributes attributes;
    struct line *lines;
    size_t count;
    uint32_t *numbers;
    bool *changed;
    bool unended; /* the last line has no newline */
};

/* ---- lines as numbers */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next byte of a line that counts; -1 at its end. */
static int next_byte(const struct line *line, size_t *at)
{
    if (no_blanks || blanks_alike) {
        size_t from = *at;
        while (*at < line->length && is_blank(line->text[*at]))
            (*at)++;
        if (*at == line->length)
            return -1;
        if (blanks_alike && !no_blanks && *at > from)
            return ' ';
    }
    if (*at == line->length)
        return -1;
    uint8_t byte = (uint8_t)line->text[(*at)++];
    return fold ? fold_byte((char)byte) : byte;
}

static uint64_t hash_of(const struct line *line)
{
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a, 64 bits */
    size_t at = 0;
    for (int byte; (byte = next_byte(line, &at)) >= 0;)
        hash = (hash ^ (uint64_t)byte) * 0x100000001b3ull;
    return hash ^ hash >> 32;
}

static bool alike(const struct line *a, const struct line *b)
{
    if (!fold && !no_blanks && !blanks_alike)
        return a->length == b->length && !memcmp(a->text, b->text, a->length);
    size_t i = 0, j = 0;
    for (;;) {
        int one = next_byte(a, &i), other = next_byte(b, &j);
        if (one != other)
            return false;
        if (one < 0)
            return true;
    }
}

static void split(struct file *file)
{
    const char *at = file->input.buffer + file->input.start,
               *end = file->input.buffer + file->input.end;
    size_t capacity = 0;
    while (at < end) {
        if (file->count == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            file->lines = realloc(file->lines, capacity * sizeof(*file->lines));
            if (!file->lines)
                out_of_memory(file->name);
        }
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        file->lines[file->count++] = (struct line){ at, (size_t)((stop ? stop : end) - at) };
        file->unended = !stop;
        at = stop ? stop + 1 : end;
    }
    file->numbers = malloc((file->count + 1) * sizeof(*file->numbers));
    file->changed = calloc(file->count + 1, sizeof(*file->changed));
    if (!file->numbers || !file->changed)
        out_of_memory(file->name);
}

/* Numbers for the lines of both, by a table of the first line of each kind. A last line without its newline is a kind of
 * its own. */
static void number_lines(struct file files[2])
{
    size_t size = 16;
    while (size < 2 * (files[0].count + files[1].count))
        size *= 2;
    struct slot {
        const struct line *line;
        uint32_t number;
        bool unended;
    } *table = calloc(size, sizeof(*table));
    uint32_t next = 0;
    if (!table)
        out_of_memory(files[0].name);
    for (int f = 0; f < 2; f++)
        for (size_t i = 0; i < files[f].count; i++) {
            const struct line *line = &files[f].lines[i];
            bool unended =
                files[f].unended && i + 1 == files[f].count && !no_blanks && !blanks_alike;
            size_t at = hash_of(line) & (size - 1);
            while (table[at].line && !(table[at].unended == unended && alike(table[at].line, line)))
                at = (at + 1) & (size - 1);
            if (!table[at].line)
                table[at] = (struct slot){ line, next++, unended };
            files[f].numbers[i] = table[at].number;
        }
    free(table);
}

/* ---- printing */

static void print_line(const struct file *file, size_t number, const char *mark)
{
    out_text(mark);
    out_bytes(file->lines[number].text, file->lines[number].length);
    out_char('\n');
    if (file->unended && number + 1 == file->count)
        out_text("\\ No newline at end of file\n");
}

/* Lines from..to (from 1, the last one included) as diff's own format has them. */
static void print_span(size_t from, size_t to)
{
    out_format("%llu", (unsigned long long)(from > to ? to : from));
    if (to > from)
        out_format(",%llu", (unsigned long long)to);
}

struct change {
    size_t a, a_end, b, b_end;
};

/* The next change from a, b on; false: none. */
static bool next_change(const struct file files[2], size_t a, size_t b, struct change *change)
{
    while (a < files[0].count && b < files[1].count && !files[0].changed[a] &&
           !files[1].changed[b]) {
        a++;
        b++;
    }
    *change = (struct change){ a, a, b, b };
    while (change->a_end < files[0].count && files[0].changed[change->a_end])
        change->a_end++;
    while (change->b_end < files[1].count && files[1].changed[change->b_end])
        change->b_end++;
    return change->a_end > a || change->b_end > b;
}

static void print_normal(const struct file files[2])
{
    struct change change = { 0 };
    while (next_change(files, change.a_end, change.b_end, &change)) {
        bool removes = change.a_end > change.a, adds = change.b_end > change.b;
        print_span(change.a + 1, change.a_end);
        out_char(removes && adds ? 'c' : removes ? 'd' : 'a');
        print_span(change.b + 1, change.b_end);
        out_char('\n');
        for (size_t i = change.a; i < change.a_end; i++)
            print_line(&files[0], i, "< ");
        if (removes && adds)
            out_text("---\n");
        for (size_t i = change.b; i < change.b_end; i++)
            print_line(&files[1], i, "> ");
    }
}

static void print_file_head(const char *mark, const struct file *file)
{
    struct civil_time time = civil_time(file->attributes.mtime);
    out_text(mark);
    out_text(file->name);
    out_format("\t%04u-%02u-%02u %02u:%02u:%02u.%09u +0000\n", time.year, time.month, time.day,
               time.hour, time.minute, time.second, (unsigned)(file->attributes.mtime % SW_SECOND));
}

/* First line and number of lines; of none, the line before. */
static void print_range(char mark, size_t from, size_t to)
{
    size_t count = to - from;
    out_format(" %c%llu", mark, (unsigned long long)(count ? from + 1 : from));
    if (count != 1)
        out_format(",%llu", (unsigned long long)count);
}

static void print_unified(const struct file files[2])
{
    struct change first, last, next;
    bool more = next_change(files, 0, 0, &first);
    print_file_head("--- ", &files[0]);
    print_file_head("+++ ", &files[1]);
    while (more) {
        last = first;
        /* changes whose surroundings meet are one hunk */
        while ((more = next_change(files, last.a_end, last.b_end, &next)) &&
               next.a - last.a_end <= 2 * context)
            last = next;
        size_t before = first.a < context ? first.a : context;
        before = first.b < before ? first.b : before;
        size_t after = files[0].count - last.a_end;
        after = after < context ? after : context;
        out_text("@@");
        print_range('-', first.a - before, last.a_end + after);
        print_range('+', first.b - before, last.b_end + after);
        out_text(" @@\n");
        size_t a = first.a - before, b = first.b - before;
        while (a < last.a_end + after || b < last.b_end + after) {
            if (a < files[0].count && files[0].changed[a]) {
                print_line(&files[0], a++, "-");
            } else if (b < files[1].count && files[1].changed[b]) {
                print_line(&files[1], b++, "+");
            } else {
                print_line(&files[0], a++, " ");
                b++;
            }
        }
        first = next;
    }
}

/* ---- files */

static void print_command(const char *a, const char *b)
{
    out_text("diff");
    for (int i = 0; i < given_count; i++) {
        out_char(' ');
        out_text(given[i]);
    }
    out_char(' ');
    out_text(a);
    out_char(' ');
    out_text(b);
    out_char('\n');
}

static bool file_read(struct file *file, const char *name)
{
    *file = (struct file){ .name = name };
    if (strcmp(name, "-") != 0) {
        status_t status = sw_path_attributes(name, &file->attributes);
        if (status == SW_NOT_FOUND && absent_empty) {
            file->absent = true;
            return true;
        }
        if (status != SW_OK) {
            out_flush();
            complain(name, status);
            return false;
        }
    } else {
        file->attributes.mtime = sw_clock_wall();
    }
    return input_open(&file->input, name) && input_whole(&file->input);
}

static void file_free(struct file *file)
{
    if (!file->absent)
        input_close(&file->input);
    free(file->lines);
    free(file->numbers);
    free(file->changed);
}

static void print_pair(const char *start, const char *a, const char *b, const char *end)
{
    out_text(start);
    out_text(a);
    out_text(" and ");
    out_text(b);
    out_text(end);
}

/* 0: the same; 1: different; 2: trouble. head: with the command before. */
static int compare_files(const char *a, const char *b, bool head)
{
    struct file files[2];
    if (!file_read(&files[0], a) || !file_read(&files[1], b))
        return 2;
    const char *texts[2];
    size_t sizes[2];
    bool binary = false;
    for (int i = 0; i < 2; i++) {
        texts[i] = files[i].input.buffer + files[i].input.start;
        sizes[i] = files[i].input.end - files[i].input.start;
        binary |= sizes[i] > 0 && memchr(texts[i], 0, sizes[i]) != NULL;
    }
    binary &= !text_always;
    bool same = sizes[0] == sizes[1] && (sizes[0] == 0 || !memcmp(texts[0], texts[1], sizes[0]));
    bool lines = !same && !binary && !(brief && !fold && !no_blanks && !blanks_alike);
    if (lines) {
        split(&files[0]);
        split(&files[1]);
        number_lines(files);
        if (!myers_compare(files[0].numbers, files[0].count, files[1].numbers, files[1].count,
                           files[0].changed, files[1].changed))
            out_of_memory(a);
        struct change change;
        same = !next_change(files, 0, 0, &change);
    }
    if (!same && brief) {
        print_pair("Files ", a, b, " differ\n");
    } else if (!same && binary) {
        print_pair("Binary files ", a, b, " differ\n");
    } else if (!same) {
        if (head)
            print_command(a, b);
        if (unified)
            print_unified(files);
        else
            print_normal(files);
    } else if (report_same) {
        print_pair("Files ", a, b, " are identical\n");
    }
    file_free(&files[0]);
    file_free(&files[1]);
    return !same;
}

static int compare_directories(const char *a, const char *b);

static int compare_entries(const char *a, const char *b, const struct entry *one,
                           const struct entry *other)
{
    const struct entry *any = one ? one : other;
    if ((!one || !other) &&
        !(absent_empty && (recursive || any->attributes.kind != SW_FILE_DIRECTORY))) {
        out_text("Only in ");
        out_text(one ? a : b);
        out_text(": ");
        out_text(any->name);
        out_char('\n');
        return 1;
    }
    bool directories = any->attributes.kind == SW_FILE_DIRECTORY &&
                       (!one || !other || other->attributes.kind == SW_FILE_DIRECTORY);
    char *left = path_below(a, any->name), *right = left ? path_below(b, any->name) : NULL;
    int result = 2;
    if (right && directories && !recursive) {
        print_pair("Common subdirectories: ", left, right, "\n");
        result = 0;
    } else if (right && directories) {
        result = compare_directories(left, right);
    } else if (right && one && other &&
               (one->attributes.kind == SW_FILE_DIRECTORY) !=
                   (other->attributes.kind == SW_FILE_DIRECTORY)) {
        bool left_is = one->attributes.kind == SW_FILE_DIRECTORY;
        out_text("File ");
        out_text(left);
        out_text(left_is ? " is a directory while file " : " is a regular file while file ");
        out_text(right);
        out_text(left_is ? " is a regular file\n" : " is a directory\n");
        result = 1;
    } else if (right) {
        result = compare_files(left, right, true);
    }
    free(left);
    free(right);
    return result;
}

static status_t read_directory(struct listing *listing, const char *path)
{
    status_t status = listing_read(listing, path);
    return status == SW_NOT_FOUND && absent_empty ? SW_OK : status;
}

static int compare_directories(const char *a, const char *b)
{
    struct listing left, right;
    int result = 0;
    status_t status = read_directory(&left, a);
    if (status != SW_OK) {
        out_flush();
        return 2 * complain(a, status);
    }
    status = read_directory(&right, b);
    if (status != SW_OK) {
        out_flush();
        listing_free(&left);
        return 2 * complain(b, status);
    }
    for (size_t i = 0, j = 0; i < left.count || j < right.count;) {
        const struct entry *one = i < left.count ? &left.entries[i] : NULL;
        const struct entry *other = j < right.count ? &right.entries[j] : NULL;
        int order = one && other ? strcmp(one->name, other->name) : one ? -1 : 1;
        int found = compare_entries(a, b, order <= 0 ? one : NULL, order >= 0 ? other : NULL);
        result = found > result ? found : result;
        i += order <= 0;
        j += order >= 0;
    }
    listing_free(&left);
    listing_free(&right);
    return result;
}

/* The file of a directory that is compared with a file. */
static char *file_in(const char *directory, const char *file)
{
    size_t length;
    const char *base = base_name(file, &length);
    char *name = strndup(base, length);
    if (!name)
        out_of_memory(file);
    char *path = path_below(directory, name);
    free(name);
    return path;
}

int command_diff(int count, char **arguments)
{
    struct options options;
    trouble = 2;
    given = calloc((size_t)count, sizeof(*given));
    if (!given)
        out_of_memory(NULL);
    for (int i = 1; i < count; i++)
        if (arguments[i][0] == '-' && arguments[i][1])
            given[given_count++] = arguments[i];
    options_start(&options, count, arguments, OPTIONS_ANYWHERE);
    for (int letter; (letter = option_next(&options)) != 0;) {
        if (letter == OPTION_END_EARLY)
            return options.status == 1 ? 2 : options.status;
        unified |= letter == 'u' || letter == 'U';
        if (letter == 'U' && !parse_number(options.value, 10, &context))
            return usage("%s: not a number of lines", options.value);
        brief |= letter == 'q';
        recursive |= letter == 'r';
        report_same |= letter == 's';
        absent_empty |= letter == 'N';
        fold |= letter == 'i';
        blanks_alike |= letter == 'b';
        no_blanks |= letter == 'w';
        text_always |= letter == 'a';
    }
    if (options.count != 2)
        return usage("two files expected");
    const char *a = options.arguments[0], *b = options.arguments[1];
    bool a_is = strcmp(a, "-") != 0 && is_directory(a),
         b_is = strcmp(b, "-") != 0 && is_directory(b);
    if (a_is && b_is)
        return out_finish(compare_directories(a, b));
    if (a_is)
        a = file_in(a, b);
    else if (b_is)
        b = file_in(b, a);
    return out_finish(a && b ? compare_files(a, b, false) : 2);
}
