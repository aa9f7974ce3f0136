/* Patterns of names: *, ?, [...] and \. Pure. */
#pragma once
#include <stdbool.h>

/* Whether all of the text fits; fold: small and capital ASCII letters are the same. `*` goes over slashes, too. */
bool glob_matches(const char *pattern, const char *text, bool fold);
