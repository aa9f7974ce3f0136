/* Classes of characters by name, as in [:alpha:]. ASCII, whatever the locale. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether c is of the class; *out_known: whether there is a class of that name. */
bool class_holds(const char *name, size_t length, uint32_t c, bool *out_known);
