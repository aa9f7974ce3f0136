/* Memory for password hashing (hash_memory.c supplies malloc and free for this program). */
#pragma once
#include <stdbool.h>

/* True if an allocation for hashing failed since this was asked last. */
bool hash_memory_was_short(void);
