/* Thompson's construction, and the subset construction done lazily. A state is the set of nodes the expression may be in;
 * the start is added at each byte, as a match may start anywhere. Bytes beyond ASCII are not in the table: their text is
 * not decided here. The states are forgotten when there are too many, and made anew. */
#include "dfa.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

enum { NODES = 1024, STATES = 250, SYMBOLS = 128, MEMBERS = 16384, REPEATS = 64 };

enum kind { EPSILON, SET, AT_START, AT_END, ACCEPT };

struct node {
    enum kind kind;
    int16_t out[2]; /* -1: none */
    uint64_t set[2];
};

struct state {
    uint16_t next[SYMBOLS]; /* 0: not yet known; else the state's number plus 1 */
    uint16_t first, count;  /* its nodes, in members */
    bool accepts, accepts_at_end;
};

struct dfa {
    struct node nodes[NODES];
    struct state states[STATES];
    int16_t members[MEMBERS];
    int16_t stack[NODES], list[NODES];
    uint32_t mark[NODES], round;
    int node_count, state_count, member_count, list_count;
    int start;
    bool list_accepts;
    /* reading */
    const wchar_t *at, *end;
    bool fold, failed;
};

/* ---- the expression as nodes */

struct part {
    int start, end;
};

static int node_new(struct dfa *dfa, enum kind kind)
{
    if (dfa->node_count == NODES) {
        dfa->failed = true;
        return 0;
    }
    dfa->nodes[dfa->node_count] = (struct node){ .kind = kind, .out = { -1, -1 } };
    return dfa->node_count++;
}

static void join(struct dfa *dfa, int from, int to)
{
    int16_t *out = dfa->nodes[from].out;
    out[out[0] >= 0] = (int16_t)to;
}

static void set_add(struct dfa *dfa, struct node *node, uint32_t c)
{
    if (c >= SYMBOLS)
        return;
    node->set[c / 64] |= 1ull << c % 64;
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (dfa->fold && letter)
        node->set[c / 64] |= 1ull << (c ^ 0x20) % 64;
}

/* [...], at behind the [. */
static void read_set(struct dfa *dfa, struct node *node)
{
    bool negated = dfa->at < dfa->end && *dfa->at == '^';
    dfa->at += negated;
    for (bool first = true; dfa->at < dfa->end && (first || *dfa->at != ']'); first = false) {
        if (dfa->end - dfa->at > 4 && dfa->at[0] == '[' && dfa->at[1] == ':') {
            char name[16] = "";
            size_t used = 0;
            for (dfa->at += 2; dfa->at < dfa->end && *dfa->at != ':'; dfa->at++)
                if (used + 1 < sizeof(name))
                    name[used++] = (char)*dfa->at;
            dfa->at += 2;
            wctype_t class = wctype(name);
            dfa->failed |= !class;
            for (uint32_t c = 0; c < SYMBOLS; c++)
                if (iswctype((wint_t)c, class))
                    set_add(dfa, node, c);
            continue;
        }
        uint32_t low = (uint32_t)*dfa->at++, high = low;
        if (dfa->end - dfa->at > 1 && dfa->at[0] == '-' && dfa->at[1] != ']') {
            high = (uint32_t)dfa->at[1];
            dfa->at += 2;
        }
        for (uint32_t c = low; c <= high && c < SYMBOLS; c++)
            set_add(dfa, node, c);
    }
    dfa->at++;
    for (int i = 0; i < 2 && negated; i++)
        node->set[i] = ~node->set[i];
}

static struct part read_branches(struct dfa *dfa);

static struct part read_atom(struct dfa *dfa)
{
    uint32_t c = (uint32_t)*dfa->at++;
    if (c == '(') {
        struct part part = read_branches(dfa);
        dfa->at++;
        return part;
    }
    if (c == '^' || c == '$') {
        int node = node_new(dfa, c == '^' ? AT_START : AT_END);
        return (struct part){ node, node };
    }
    int node = node_new(dfa, SET);
    if (c == '.') {
        dfa->nodes[node].set[0] = dfa->nodes[node].set[1] = UINT64_MAX;
    } else if (c == '[') {
        read_set(dfa, &dfa->nodes[node]);
    } else {
        if (c == '\\') {
            c = (uint32_t)*dfa->at++;
            /* groups that came before, and boundaries of words, depend on more than the state */
            dfa->failed |= (c >= '0' && c <= '9') || (c < SYMBOLS && strchr("<>bB", (int)c));
        }
        set_add(dfa, &dfa->nodes[node], c);
    }
    return (struct part){ node, node };
}

static struct part empty(struct dfa *dfa)
{
    int node = node_new(dfa, EPSILON);
    return (struct part){ node, node };
}

static struct part sequence(struct dfa *dfa, struct part a, struct part b)
{
    int end = node_new(dfa, EPSILON);
    join(dfa, a.end, b.start);
    join(dfa, b.end, end);
    return (struct part){ a.start, end };
}

static struct part optional(struct dfa *dfa, struct part part, bool again)
{
    int start = node_new(dfa, EPSILON), middle = node_new(dfa, EPSILON),
        end = node_new(dfa, EPSILON);
    join(dfa, start, part.start);
    join(dfa, start, end);
    join(dfa, part.end, middle);
    if (again)
        join(dfa, middle, start);
    else
        join(dfa, middle, end);
    return (struct part){ start, end };
}

static unsigned read_number(struct dfa *dfa)
{
    unsigned number = 0;
    while (dfa->at < dfa->end && *dfa->at >= '0' && *dfa->at <= '9')
        number = number * 10 + (unsigned)(*dfa->at++ - '0');
    return number;
}

/* An atom and what repeats it. One that comes several times is read several times. */
static struct part read_repeated(struct dfa *dfa)
{
    const wchar_t *source = dfa->at;
    struct part part = read_atom(dfa);
    while (dfa->at < dfa->end && !dfa->failed) {
        wchar_t c = *dfa->at;
        if (c == '*' || c == '?') {
            dfa->at++;
            part = optional(dfa, part, c == '*');
        } else if (c == '+' || c == '{') {
            const wchar_t *operator_at = dfa->at++;
            unsigned least = 1, most = 0;
            bool endless = c == '+';
            if (c == '{') {
                least = most = read_number(dfa);
                if (dfa->at < dfa->end && *dfa->at == ',') {
                    dfa->at++;
                    endless = *dfa->at == '}';
                    most = read_number(dfa);
                }
                dfa->at++;
            }
            const wchar_t *behind = dfa->at, *all = dfa->end;
            if (least + most > REPEATS)
                dfa->failed = true;
            struct part sum = empty(dfa);
            unsigned times = endless ? least + 1 : most;
            for (unsigned i = 0; i < times && !dfa->failed; i++) {
                dfa->at = source;
                dfa->end = operator_at; /* with the operators before this one */
                struct part one = read_repeated(dfa);
                dfa->end = all;
                if (i >= least)
                    one = optional(dfa, one, endless);
                sum = sequence(dfa, sum, one);
            }
            part = sum;
            dfa->at = behind;
        } else {
            break;
        }
    }
    return part;
}

static struct part read_branch(struct dfa *dfa)
{
    struct part part = empty(dfa);
    while (dfa->at < dfa->end && *dfa->at != '|' && *dfa->at != ')' && !dfa->failed)
        part = sequence(dfa, part, read_repeated(dfa));
    return part;
}

static struct part read_branches(struct dfa *dfa)
{
    struct part part = read_branch(dfa);
    while (dfa->at < dfa->end && *dfa->at == '|' && !dfa->failed) {
        dfa->at++;
        struct part other = read_branch(dfa);
        int start = node_new(dfa, EPSILON), end = node_new(dfa, EPSILON);
        join(dfa, start, part.start);
        join(dfa, start, other.start);
        join(dfa, part.end, end);
        join(dfa, other.end, end);
        part = (struct part){ start, end };
    }
    return part;
}

/* ---- states */

/* Adds a node and what is reached from it without a byte to the list. */
static void reach(struct dfa *dfa, int node, bool at_start, bool at_end)
{
    int depth = 0;
    dfa->stack[depth++] = (int16_t)node;
    while (depth > 0) {
        int at = dfa->stack[--depth];
        if (dfa->mark[at] == dfa->round)
            continue;
        dfa->mark[at] = dfa->round;
        const struct node *here = &dfa->nodes[at];
        if (here->kind == ACCEPT)
            dfa->list_accepts = true;
        if (here->kind == SET || here->kind == AT_END)
            dfa->list[dfa->list_count++] = (int16_t)at;
        if (here->kind == EPSILON || (here->kind == AT_START && at_start) ||
            (here->kind == AT_END && at_end))
            for (int i = 0; i < 2; i++)
                if (here->out[i] >= 0 && dfa->mark[here->out[i]] != dfa->round && depth < NODES)
                    dfa->stack[depth++] = here->out[i];
    }
}

static void begin_list(struct dfa *dfa)
{
    dfa->round++;
    dfa->list_count = 0;
    dfa->list_accepts = false;
}

/* The state of the nodes in the list; -1: there is no room for one more. */
static int state_of_list(struct dfa *dfa)
{
    bool accepts = dfa->list_accepts;
    /* the order they were found in is the same for the same set nearly always; if not, a state is there twice */
    size_t size = (size_t)dfa->list_count * sizeof(dfa->list[0]);
    for (int i = 0; i < dfa->state_count; i++) {
        const struct state *state = &dfa->states[i];
        if (state->count == dfa->list_count && state->accepts == accepts &&
            !memcmp(dfa->members + state->first, dfa->list, size))
            return i;
    }
    if (dfa->state_count == STATES || dfa->member_count + dfa->list_count > MEMBERS)
        return -1;
    struct state *state = &dfa->states[dfa->state_count];
    memset(state, 0, sizeof(*state));
    state->first = (uint16_t)dfa->member_count;
    state->count = (uint16_t)dfa->list_count;
    state->accepts = accepts;
    memcpy(dfa->members + dfa->member_count, dfa->list, size);
    dfa->member_count += dfa->list_count;
    begin_list(dfa);
    for (int i = 0; i < state->count; i++) {
        const struct node *node = &dfa->nodes[dfa->members[state->first + i]];
        if (node->kind == AT_END)
            reach(dfa, node->out[0], false, true);
    }
    state->accepts_at_end = accepts || dfa->list_accepts;
    return dfa->state_count++;
}

static void states_forget(struct dfa *dfa)
{
    dfa->state_count = dfa->member_count = 0;
    begin_list(dfa);
    reach(dfa, dfa->start, true, false);
    state_of_list(dfa); /* number 0: the start */
}

/* The state behind a byte. Those before may be forgotten. */
static int step(struct dfa *dfa, int from, unsigned c)
{
    const struct state *state = &dfa->states[from];
    begin_list(dfa);
    for (int i = 0; i < state->count; i++) {
        const struct node *node = &dfa->nodes[dfa->members[state->first + i]];
        if (node->kind == SET && node->set[c / 64] >> c % 64 & 1 && node->out[0] >= 0)
            reach(dfa, node->out[0], false, false);
    }
    reach(dfa, dfa->start, false, false);
    int next = state_of_list(dfa);
    if (next >= 0) {
        dfa->states[from].next[c] = (uint16_t)(next + 1);
        return next;
    }
    int16_t list[NODES];
    int count = dfa->list_count;
    bool accepts = dfa->list_accepts;
    memcpy(list, dfa->list, (size_t)count * sizeof(list[0]));
    states_forget(dfa);
    memcpy(dfa->list, list, (size_t)count * sizeof(list[0]));
    dfa->list_count = count;
    dfa->list_accepts = accepts;
    return state_of_list(dfa);
}

struct dfa *dfa_create(const wchar_t *pattern, size_t length, bool fold)
{
    struct dfa *dfa = calloc(1, sizeof(*dfa));
    if (!dfa)
        return NULL;
    dfa->at = pattern;
    dfa->end = pattern + length;
    dfa->fold = fold;
    struct part part = read_branches(dfa);
    int accept = node_new(dfa, ACCEPT);
    if (dfa->failed || dfa->at != pattern + length) {
        free(dfa);
        return NULL;
    }
    join(dfa, part.end, accept);
    dfa->start = part.start;
    states_forget(dfa);
    return dfa;
}

enum dfa_answer dfa_search(struct dfa *dfa, const char *text, size_t length)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + length;
    int state = 0;
    for (; at < end && !dfa->states[state].accepts; at++) {
        if (*at >= SYMBOLS)
            return DFA_UNSURE;
        unsigned next = dfa->states[state].next[*at];
        state = next ? (int)next - 1 : step(dfa, state, *at);
    }
    return dfa->states[state].accepts || (at == end && dfa->states[state].accepts_at_end) ? DFA_YES
                                                                                          : DFA_NO;
}
