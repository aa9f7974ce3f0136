/* Whether a text of ASCII fits a regular expression somewhere, a table's look-up a byte: an automaton whose states are made
 * when they are first reached. It says yes, no, or that it cannot tell, and then TRE is asked. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum dfa_answer { DFA_NO, DFA_YES, DFA_UNSURE };

struct dfa;

/* pattern: as expression.c rewrites it. NULL: it has what an automaton cannot do, or too much of it. */
struct dfa *dfa_create(const wchar_t *pattern, size_t length, bool fold);
enum dfa_answer dfa_search(struct dfa *dfa, const char *text, size_t length);
