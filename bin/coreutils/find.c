/* find: files of a tree for which an expression holds. The expression is read into a tree of nodes, which
 * lies in one array; the walk is by for_each order: what is in a directory sorted by name. */
#include "command.h"
#include "glob.h"
#include "mode.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>
#include <swos/clock.h>
#include <swos/path.h>

enum kind {
    AND,
    OR,
    NOT,
    HOLDS, /* -true */
    NEVER,
    NAME,
    PATH,
    TYPE,
    SIZE,
    AGE,
    NEWER,
    EMPTY,
    OWNER,
    MODE,
    PRINT,
    EXECUTE,
    EXECUTE_TOGETHER,
    DELETE,
    PRUNE,
    QUIT,
};

struct node {
    enum kind kind;
    struct node *left, *right;
    const char *text;
    bool fold;
    char end;               /* PRINT */
    char sign;              /* of a number: +, - or 0 */
    uint64_t number, unit;  /* also modes, principals, times */
    const char **words;     /* EXECUTE: the program's */
    size_t count;           /* of them, before {} when together */
    const char **collected; /* EXECUTE_TOGETHER */
    size_t collected_count, collected_size;
};

static struct node *nodes;
static size_t node_count;
static char **words; /* what is left of the expression */
static uint64_t least_depth, most_depth = UINT64_MAX, now;
static bool depth_first, has_action, quit;
static int result;

/* ---- reading the expression; a failure is said and ends the program */

static void fail(const char *message, const char *word)
{
    exit(usage(message, word));
}

static struct node *node_new(enum kind kind)
{
    struct node *node = &nodes[node_count++];
    node->kind = kind;
    return node;
}

static const char *operand(const char *name)
{
    if (!*words)
        fail("%s: value expected", name);
    return *words++;
}

static void read_number(struct node *node, const char *text, const char *name)
{
    if (*text == '+' || *text == '-')
        node->sign = *text++;
    char digits[24];
    size_t length = strspn(text, "0123456789");
    const char *unit = text + length;
    static const char letters[] = "cwbkMG";
    static const uint32_t units[] = { 1, 2, 512, 1024, 1024 * 1024, 1024 * 1024 * 1024 };
    if (length == 0 || length >= sizeof(digits))
        fail("%s: not a number", name);
    memcpy(digits, text, length);
    digits[length] = 0;
    const char *found = *unit ? strchr(letters, *unit) : NULL;
    if (!parse_number(digits, 10, &node->number) ||
        (*unit && (node->kind != SIZE || !found || unit[1])))
        fail("%s: not a number", name);
    if (found)
        node->unit = units[found - letters];
}

static void read_program(struct node *node)
{
    node->words = (const char **)words;
    while (*words && strcmp(*words, ";") != 0) {
        if (node->count > 0 && !strcmp(*words, "+") && !strcmp(words[-1], "{}")) {
            node->kind = EXECUTE_TOGETHER;
            node->count--; /* without the {} */
            break;
        }
        words++;
        node->count++;
    }
    if (!*words || node->count == 0)
        fail("%s: program and ; or {} + expected", "-exec");
    words++;
    if (node->kind != EXECUTE_TOGETHER)
        return;
    node->collected =
        calloc(RUN_WORDS_MAX / RUN_WORD_SIZE(0) + node->count + 2, sizeof(*node->collected));
    if (!node->collected)
        out_of_memory(NULL);
    for (size_t i = 0; i < node->count; i++)
        node->collected_size += RUN_WORD_SIZE(strlen(node->words[i]));
    memcpy(node->collected, node->words, node->count * sizeof(*node->collected));
}

/* Names of tests with a text, and of those without. */
static const struct {
    char name[12];
    enum kind kind;
    bool value, fold;
} primaries[] = {
    { "-name", NAME, true, false },      { "-iname", NAME, true, true },
    { "-path", PATH, true, false },      { "-ipath", PATH, true, true },
    { "-wholename", PATH, true, false }, { "-type", TYPE, true, false },
    { "-size", SIZE, true, false },      { "-mtime", AGE, true, false },
    { "-mmin", AGE, true, false },       { "-newer", NEWER, true, false },
    { "-user", OWNER, true, false },     { "-perm", MODE, true, false },
    { "-empty", EMPTY, false, false },   { "-print", PRINT, false, false },
    { "-print0", PRINT, false, false },  { "-exec", EXECUTE, false, false },
    { "-delete", DELETE, false, false }, { "-prune", PRUNE, false, false },
    { "-true", HOLDS, false, false },    { "-false", NEVER, false, false },
    { "-quit", QUIT, false, false },
};

static void read_value(struct node *node, const char *name)
{
    struct sw_attributes attributes;
    uint32_t number = 0;
    const char *text = node->text;
    switch (node->kind) {
    case TYPE:
        for (const char *at = text; *at; at += at[1] == ',' ? 2 : 1)
            if (!strchr("fdcbpls", *at))
                fail("-type %s: f, d or c expected", text);
        break;
    case SIZE:
        node->unit = 512;
        read_number(node, text, name);
        break;
    case AGE:
        read_number(node, text, name);
        node->unit = (!strcmp(name, "-mmin") ? 60 : 86400) * SW_SECOND;
        break;
    case NEWER: {
        status_t status = sw_path_attributes(text, &attributes);
        if (status != SW_OK)
            exit(complain(text, status));
        node->number = attributes.mtime;
        break;
    }
    case OWNER:
        if (!account_principal(text, &number))
            exit(complain_text(text, "no such account"));
        node->number = number;
        break;
    case MODE:
        if (*text == '-' || *text == '/')
            node->sign = *text++;
        if (!mode_apply(text, 0, false, &number))
            fail("%s: not a mode", text);
        node->number = number;
        break;
    default:
        break;
    }
}

static struct node *read_or(void);

static unsigned nested; /* how many ! and ( are open: the stack has an end */

static void open_nested(const char *name)
{
    enum { MOST = 100 };
    if (++nested > MOST)
        fail("%s: nested too deep", name);
}

static struct node *read_primary(void)
{
    const char *name = *words++;
    if (!strcmp(name, "!") || !strcmp(name, "-not")) {
        struct node *node = node_new(NOT);
        if (!*words)
            fail("%s: test expected", name);
        open_nested(name);
        node->left = read_primary();
        nested--;
        return node;
    }
    if (!strcmp(name, "(")) {
        open_nested(name);
        struct node *node = read_or();
        nested--;
        if (!*words || strcmp(*words++, ")") != 0)
            fail("%s is not closed", name);
        return node;
    }
    if (!strcmp(name, "-maxdepth") || !strcmp(name, "-mindepth")) {
        uint64_t *depth = name[2] == 'a' ? &most_depth : &least_depth;
        if (!parse_number(operand(name), 10, depth))
            fail("%s: not a depth", name);
        return node_new(HOLDS);
    }
    if (!strcmp(name, "-depth")) {
        depth_first = true;
        return node_new(HOLDS);
    }
    for (size_t i = 0; i < sizeof(primaries) / sizeof(primaries[0]); i++) {
        if (strcmp(primaries[i].name, name) != 0)
            continue;
        struct node *node = node_new(primaries[i].kind);
        node->fold = primaries[i].fold;
        if (primaries[i].value) {
            node->text = operand(name);
            read_value(node, name);
        }
        has_action |= node->kind == PRINT || node->kind == EXECUTE || node->kind == DELETE ||
                      node->kind == QUIT;
        node->end = strcmp(name, "-print0") ? '\n' : 0;
        depth_first |= node->kind == DELETE;
        if (node->kind == EXECUTE)
            read_program(node);
        return node;
    }
    fail(*name == '-' ? "unknown option %s" : "%s: paths stand before the expression", name);
    return NULL;
}

static struct node *read_and(void)
{
    struct node *left = read_primary();
    while (*words && strcmp(*words, "-o") && strcmp(*words, "-or") && strcmp(*words, ")")) {
        if (!strcmp(*words, "-a") || !strcmp(*words, "-and"))
            words++;
        if (!*words)
            fail("%s: test expected", "-a");
        struct node *node = node_new(AND);
        node->left = left;
        node->right = read_primary();
        left = node;
    }
    return left;
}

static struct node *read_or(void)
{
    if (!*words)
        fail("%s", "test expected");
    struct node *left = read_and();
    while (*words && (!strcmp(*words, "-o") || !strcmp(*words, "-or"))) {
        words++;
        if (!*words)
            fail("%s: test expected", "-o");
        struct node *node = node_new(OR);
        node->left = left;
        node->right = read_and();
        left = node;
    }
    return left;
}

/* ---- asking */

struct file {
    const char *path;
    const struct sw_attributes *attributes;
    bool *prune;
};

static bool compare(const struct node *node, uint64_t value)
{
    return node->sign == '+'   ? value > node->number
           : node->sign == '-' ? value < node->number
                               : value == node->number;
}

static bool is_type(const char *types, uint32_t kind)
{
    char letter = kind == SW_FILE_DIRECTORY ? 'd' : kind == SW_FILE_DEVICE ? 'c' : 'f';
    return strchr(types, letter) != NULL;
}

static bool is_empty(const struct file *file)
{
    struct listing listing;
    if (file->attributes->kind != SW_FILE_DIRECTORY)
        return file->attributes->kind == SW_FILE_REGULAR && file->attributes->size == 0;
    status_t status = listing_read(&listing, file->path);
    bool empty = status == SW_OK && listing.count == 0;
    if (status != SW_OK)
        result = complain(file->path, status);
    else
        listing_free(&listing);
    return empty;
}

static bool name_fits(const struct node *node, const char *path)
{
    char name[SW_PATH_MAX];
    size_t length;
    const char *base = base_name(path, &length);
    if (length == 0)
        return glob_matches(node->text, path, node->fold);
    if (length >= sizeof(name))
        return false;
    memcpy(name, base, length);
    name[length] = 0;
    return glob_matches(node->text, name, node->fold);
}

/* word with path for each {}. */
static char *filled(const char *word, const char *path)
{
    size_t size = strlen(word) + 1, length = strlen(path);
    for (const char *at = word; (at = strstr(at, "{}")) != NULL; at += 2)
        size += length;
    char *copy = malloc(size), *to = copy;
    if (!copy)
        out_of_memory(path);
    for (const char *found; (found = strstr(word, "{}")) != NULL; word = found + 2) {
        memcpy(to, word, (size_t)(found - word));
        to += found - word;
        memcpy(to, path, length);
        to += length;
    }
    strcpy(to, word);
    return copy;
}

static bool execute(const struct node *node, const char *path)
{
    char **list = calloc(node->count + 1, sizeof(*list));
    if (!list)
        out_of_memory(path);
    for (size_t i = 0; i < node->count; i++)
        list[i] = filled(node->words[i], path);
    int status = run_program((const char *const *)list, NULL);
    for (size_t i = 0; i < node->count; i++)
        free(list[i]);
    free(list);
    return status == 0;
}

static void execute_collected(struct node *node)
{
    if (node->collected_count == 0)
        return;
    node->collected[node->count + node->collected_count] = NULL;
    result |= run_program(node->collected, NULL) != 0;
    for (size_t i = 0; i < node->collected_count; i++) {
        node->collected_size -= RUN_WORD_SIZE(strlen(node->collected[node->count + i]));
        free((char *)node->collected[node->count + i]);
    }
    node->collected_count = 0;
}

static void collect(struct node *node, const char *path)
{
    size_t size = RUN_WORD_SIZE(strlen(path));
    if (node->collected_size + size > RUN_WORDS_MAX)
        execute_collected(node);
    char *copy = strdup(path);
    if (!copy)
        out_of_memory(path);
    node->collected[node->count + node->collected_count++] = copy;
    node->collected_size += size;
}

static bool removed(const struct file *file)
{
    if (!strcmp(file->path, "."))
        return true;
    status_t status = file->attributes->kind == SW_FILE_DIRECTORY
                          ? sw_path_remove_directory(file->path)
                          : sw_path_unlink(file->path);
    if (status == SW_OK)
        return true;
    out_flush();
    result = complain(file->path, status);
    return false;
}

static bool holds(struct node *node, const struct file *file)
{
    const struct sw_attributes *attributes = file->attributes;
    switch (node->kind) {
    case AND:
        return holds(node->left, file) && holds(node->right, file);
    case OR:
        return holds(node->left, file) || holds(node->right, file);
    case NOT:
        return !holds(node->left, file);
    case HOLDS:
        return true;
    case NEVER:
        return false;
    case NAME:
        return name_fits(node, file->path);
    case PATH:
        return glob_matches(node->text, file->path, node->fold);
    case TYPE:
        return is_type(node->text, attributes->kind);
    case SIZE:
        return compare(node, (attributes->size + node->unit - 1) / node->unit);
    case AGE:
        return compare(node, now > attributes->mtime ? (now - attributes->mtime) / node->unit : 0);
    case NEWER:
        return attributes->mtime > node->number;
    case EMPTY:
        return is_empty(file);
    case OWNER:
        return attributes->owner == node->number;
    case MODE:
        return node->sign == '-'   ? (attributes->mode & node->number) == node->number
               : node->sign == '/' ? !node->number || (attributes->mode & node->number)
                                   : (attributes->mode & 07777) == node->number;
    case PRINT:
        out_text(file->path);
        out_char(node->end);
        return true;
    case EXECUTE:
        return execute(node, file->path);
    case EXECUTE_TOGETHER:
        collect(node, file->path);
        return true;
    case DELETE:
        return removed(file);
    case PRUNE:
        *file->prune = true;
        return true;
    case QUIT:
        quit = true;
        return true;
    }
    return false;
}

/* ---- walking */

static struct node *expression;

static void walk(const char *path, const struct sw_attributes *attributes, uint64_t depth)
{
    bool prune = false;
    struct file file = { path, attributes, &prune };
    if (!depth_first && depth >= least_depth)
        holds(expression, &file);
    if (attributes->kind == SW_FILE_DIRECTORY && depth < most_depth && !(prune && !depth_first) &&
        !quit) {
        struct listing listing;
        status_t status = listing_read(&listing, path);
        if (status != SW_OK) {
            out_flush();
            result = complain(path, status);
        }
        for (size_t i = 0; i < listing.count && !quit; i++) {
            char *below = path_below(path, listing.entries[i].name);
            if (below)
                walk(below, &listing.entries[i].attributes, depth + 1);
            else
                result = 1;
            free(below);
        }
        listing_free(&listing);
    }
    if (depth_first && depth >= least_depth && !quit)
        holds(expression, &file);
}

int command_find(int count, char **arguments)
{
    static char *here[] = { ".", NULL };
    struct options options;
    /* its words are no options, but for --help and what is none of either */
    if (count > 1 && !strncmp(arguments[1], "--", 2)) {
        options_start(&options, count, arguments, OPTIONS_FIRST);
        if (option_next(&options) != 0)
            return options.status;
    }
    nodes = calloc(2 * (size_t)count + 4, sizeof(*nodes));
    if (!nodes)
        out_of_memory(NULL);
    char **paths = arguments + 1;
    words = paths;
    while (*words && **words != '-' && strcmp(*words, "!") != 0 && strcmp(*words, "(") != 0)
        words++;
    size_t path_count = (size_t)(words - paths);
    if (path_count == 0) {
        paths = here;
        path_count = 1;
    }
    now = sw_clock_wall();
    struct node *print = node_new(PRINT);
    print->end = '\n';
    if (*words)
        expression = read_or();
    if (*words)
        fail("%s without (", *words);
    if (!expression) {
        expression = print;
    } else if (!has_action) {
        struct node *both = node_new(AND);
        both->left = expression;
        both->right = print;
        expression = both;
    }
    for (size_t i = 0; i < path_count && !quit; i++) {
        struct sw_attributes attributes;
        status_t status = sw_path_attributes(paths[i], &attributes);
        if (status == SW_OK) {
            walk(paths[i], &attributes, 0);
        } else {
            out_flush();
            result = complain(paths[i], status);
        }
    }
    for (size_t i = 0; i < node_count; i++)
        if (nodes[i].kind == EXECUTE_TOGETHER)
            execute_collected(&nodes[i]);
    return out_finish(result);
}
