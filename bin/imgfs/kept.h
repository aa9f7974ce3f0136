/* The verified metadata of the mounted image, for the next imgfs.
 *
 * It lies in two kept slots of the service's job, in sealed memory: nobody can change it, the driver
 * it came from included, and only this program, init and keeper reach the slots. So what was
 * verified once is so for the whole boot; reading and hashing it again was most of the time imgfs
 * took to come back. Believed only when both are sealed. Contents of files are not kept: clients
 * hold what they use. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <swos/abi.h>

#include "image.h"

struct kept {
    const struct image_superblock *super; /* its signature was checked */
    const void *metadata;                 /* its hash was checked */
    uint64_t metadata_size;
    uint32_t disk; /* number of the start handle */
};

/* What a predecessor has kept, mapped. False: nothing, or nothing to believe. */
bool kept_find(struct kept *out);

/* Keeps verified metadata in sealed memory (the handle stays the caller's). What cannot be kept is
 * verified again by the next one. */
void kept_put(const struct image_superblock *super, uint32_t disk, handle_t metadata);
