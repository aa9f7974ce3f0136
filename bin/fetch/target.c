/* See fetch.h. */
#include "fetch.h"
#include <errno.h>
#include <string.h>
#include <swos/path.h>
#include <unistd.h>

static char part[SW_PATH_MAX], from[SW_PATH_MAX];

static bool refuse(const char *name)
{
    complain(name, "%s", strerror(errno));
    return false;
}

static void hash_begin(struct target *target)
{
    target->size = 0;
    crypto_hash_sha256_init(&target->hash);
}

/* What FILE.part.from says, if it is of this address. */
static bool recall(struct target *target, const char *address)
{
    char line[HTTP_URL_MOST + 2];
    bool good = false;
    FILE *file = fopen(from, "r");

    if (!file)
        return false;
    size_t length = strlen(address);
    if (fgets(line, sizeof(line), file) && strlen(line) == length + 1 &&
        !memcmp(line, address, length) &&
        fgets(target->validator, sizeof(target->validator), file)) {
        char *end = strchr(target->validator, '\n');
        good = end && end > target->validator;
        if (end)
            *end = 0;
    }
    fclose(file);
    if (!good)
        target->validator[0] = 0;
    return good;
}

static bool hash_part(struct target *target)
{
    static char buffer[32768];
    size_t got;

    rewind(target->file);
    while ((got = fread(buffer, 1, sizeof(buffer), target->file)) > 0) {
        crypto_hash_sha256_update(&target->hash, (const uint8_t *)buffer, got);
        target->size += got;
    }
    return !ferror(target->file) && fseek(target->file, 0, SEEK_END) == 0;
}

bool target_open(struct target *target, const char *name, const char *address, bool resume)
{
    *target = (struct target){ .name = name };
    hash_begin(target);
    if (!name) {
        target->file = stdout;
        return true;
    }
    if (strlen(name) + sizeof(".part.from") > SW_PATH_MAX) {
        complain(name, "File name too long");
        return false;
    }
    snprintf(part, sizeof(part), "%s.part", name);
    snprintf(from, sizeof(from), "%s.part.from", name);
    if (resume && recall(target, address) && (target->file = fopen(part, "r+"))) {
        if (hash_part(target))
            return true;
        fclose(target->file);
        hash_begin(target);
    }
    target->validator[0] = 0;
    target->file = fopen(part, "w+");
    return target->file || refuse(part);
}

bool target_restart(struct target *target)
{
    if (!target->name) {
        if (target->size == 0)
            return true;
        complain("standard output",
                 "what was printed is of another version than what the server has now");
        return false;
    }
    fclose(target->file);
    hash_begin(target);
    target->validator[0] = 0;
    target->file = fopen(part, "w+");
    return target->file || refuse(part);
}

bool target_begin(struct target *target, const char *address, const char *validator)
{
    snprintf(target->validator, sizeof(target->validator), "%s", validator);
    if (!target->name)
        return true;
    if (!validator[0]) { /* nothing to go on by */
        unlink(from);
        return true;
    }
    FILE *file = fopen(from, "w");
    if (!file)
        return refuse(from);
    bool good = fprintf(file, "%s\n%s\n", address, validator) > 0;
    return (fclose(file) == 0 && good) || refuse(from);
}

bool target_write(struct target *target, const char *bytes, size_t length)
{
    if (fwrite(bytes, 1, length, target->file) != length)
        return refuse(target->name ? part : "standard output");
    crypto_hash_sha256_update(&target->hash, (const uint8_t *)bytes, length);
    target->size += length;
    return true;
}

bool target_finish(struct target *target, const char *address, const char *sum)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[DIGITS + 1];
    bool good;

    crypto_hash_sha256_final(&target->hash, hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    good = fflush(target->file) == 0;
    if (target->name)
        good = fclose(target->file) == 0 && good;
    if (!good)
        return refuse(target->name ? part : "standard output");
    good = !sum || !strcasecmp(sum, text);
    if (!good)
        complain(address, "its SHA-256 is %s, not %s%s", text, sum,
                 target->name ? "; nothing is kept" : "");
    if (!target->name)
        return good;
    unlink(from);
    if (!good)
        unlink(part);
    else if (rename(part, target->name) != 0)
        return refuse(target->name);
    return good;
}

void target_leave(struct target *target)
{
    if (!target->name) {
        fflush(target->file);
        return;
    }
    fclose(target->file);
    if (target->size == 0 || !target->validator[0]) { /* of no use */
        unlink(part);
        unlink(from);
    }
}
