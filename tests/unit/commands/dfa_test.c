/* The automaton against the host's regexec: expressions and texts made at random. */
#include "dfa.h"
#include "random.h"
#include "tap.h"
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EXPRESSIONS = 4000, TEXTS = 24 };

static char expression[256];

static void add(const char *text)
{
    strcat(expression, text);
}

static void make(int depth)
{
    static const char *const atoms[] = { "a",    "b",    "c",     ".",
                                         "[ab]", "[^a]", "[a-c]", "[[:digit:]b]",
                                         "\\.",  "1" };
    static const char *const repeats[] = { "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "{0}" };
    unsigned kind = random_below(depth > 0 && strlen(expression) < 60 ? 10 : 4);
    if (kind < 5) {
        add(atoms[random_below(sizeof(atoms) / sizeof(atoms[0]))]);
    } else if (kind < 7) {
        make(depth - 1);
        make(depth - 1);
    } else if (kind < 8) {
        add("(");
        make(depth - 1);
        add("|");
        make(depth - 1);
        add(")");
    } else {
        add("(");
        make(depth - 1);
        add(")");
        add(repeats[random_below(sizeof(repeats) / sizeof(repeats[0]))]);
    }
}

int main(void)
{
    static const char letters[] = "aaabbc1.x";
    int wrong = 0, decided = 0;
    for (int i = 0; i < EXPRESSIONS; i++) {
        wchar_t wide[256];
        regex_t host;
        expression[0] = 0;
        if (random_below(5) == 0)
            add("^");
        make(3);
        if (random_below(5) == 0)
            add("$");
        bool fold = random_below(4) == 0;
        size_t length = strlen(expression);
        for (size_t j = 0; j < length; j++)
            wide[j] = (wchar_t)expression[j];
        if (regcomp(&host, expression, REG_EXTENDED | REG_NOSUB | (fold ? REG_ICASE : 0)))
            continue;
        struct dfa *dfa = dfa_create(wide, length, fold);
        for (int j = 0; j < TEXTS && dfa; j++) {
            char text[24];
            size_t size = random_below(sizeof(text) - 1);
            for (size_t k = 0; k < size; k++) {
                text[k] = letters[random_below(sizeof(letters) - 1)];
                if (fold && text[k] >= 'a' && random_below(2))
                    text[k] = (char)(text[k] - 'a' + 'A');
            }
            text[size] = 0;
            bool fits = regexec(&host, text, 0, NULL, 0) == 0;
            decided++;
            if (dfa_search(dfa, text, size) != (fits ? DFA_YES : DFA_NO) && ++wrong < 10)
                tap_ok(0, "\"%s\"%s: \"%s\" %s", expression, fold ? " folded" : "", text,
                       fits ? "fits" : "does not fit");
        }
        free(dfa);
        regfree(&host);
    }
    tap_ok(wrong == 0, "%d answers are the host's", decided);
    CHECK(decided > EXPRESSIONS * TEXTS / 2);
    static const wchar_t a[] = L"a", back[] = L"(a)\\1", word[] = L"\\<a", many[] = L"(a{60}){60}";
    struct dfa *dfa = dfa_create(a, 1, false);
    CHECK(dfa && dfa_search(dfa, "\303\244", 2) == DFA_UNSURE &&
          dfa_search(dfa, "xa\303\244", 4) == DFA_YES);
    CHECK(dfa && dfa_search(dfa, "", 0) == DFA_NO && dfa_search(dfa, "\0a", 2) == DFA_YES);
    free(dfa);
    CHECK(!dfa_create(back, 5, false));
    CHECK(!dfa_create(word, 3, false));
    CHECK(!dfa_create(many, 11, false));
    /* more states than are kept: which of the last bytes were an a */
    static const wchar_t states[] = L"a[ab]{12}c";
    dfa = dfa_create(states, 10, false);
    for (int i = 0; i < 3000 && dfa; i++) {
        char text[40];
        bool fits = false;
        for (size_t j = 0; j < sizeof(text); j++)
            text[j] = "ab"[random_below(2)];
        text[39] = 'c';
        fits = text[26] == 'a';
        if ((dfa_search(dfa, text, sizeof(text)) == DFA_YES) != fits)
            wrong++;
    }
    tap_ok(dfa && wrong == 0, "states are forgotten and made anew");
    free(dfa);
    return tap_done();
}
