/* SHA-256, by the CPU's instructions where it has them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32

void hash_sha256(uint8_t out[HASH_SIZE], const void *data, size_t size);
