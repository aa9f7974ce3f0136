/* See fetch.h. */
#include "fetch.h"
#include <errno.h>
#include <string.h>
#include <swos/path.h>
#include <swos/status.h>
#include <sys/stat.h>
#include <unistd.h>

static char part[SW_PATH_MAX], from[SW_PATH_MAX];

static bool refuse(const char *name)
{
    complain(name, "%s", sw_errno_text(errno));
    return false;
}

static void hash_begin(struct target *target)
{
    target->size = 0;
    crypto_hash_sha256_init(&target->hash);
}

/* A new file of ours: who may have one of that name in a folder for all could read and change what gets
 * into it. NULL: complained. */
static FILE *create(const char *path)
{
    FILE *file = NULL;

    if (unlink(path) == 0 || errno == ENOENT)
        file = fopen(path, "w+x");
    if (!file)
        refuse(path);
    return file;
}

/* What an earlier fetch has left there. NULL: nothing, or *out_foreign: somebody else, complained. */
static FILE *open_left(const char *path, const char *mode, bool *out_foreign)
{
    struct stat stat;
    FILE *file = fopen(path, mode);

    *out_foreign = file && (fstat(fileno(file), &stat) != 0 || stat.st_uid != getuid());
    if (!*out_foreign)
        return file;
    complain(path, "belongs to somebody else");
    fclose(file);
    return NULL;
}

/* What FILE.part.from says, if it is of this address. */
static bool recall(struct target *target, const char *address, bool *out_foreign)
{
    char line[HTTP_URL_MOST + 2];
    bool good = false;
    FILE *file = open_left(from, "r", out_foreign);

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
    bool is_foreign = false;

    *target = (struct target){ .name = name };
    hash_begin(target);
    if (!name) {
        target->file = stdout;
        return true;
    }
    if (strlen(name) + sizeof(".part.from") > SW_PATH_MAX) {
        complain(name, "%s", sw_errno_text(ENAMETOOLONG));
        return false;
    }
    snprintf(part, sizeof(part), "%s.part", name);
    snprintf(from, sizeof(from), "%s.part.from", name);
    if (resume && recall(target, address, &is_foreign) &&
        (target->file = open_left(part, "r+", &is_foreign))) {
        if (hash_part(target))
            return true;
        fclose(target->file);
        hash_begin(target);
    }
    target->validator[0] = 0;
    if (is_foreign)
        return false;
    target->file = create(part);
    return target->file != NULL;
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
    target->file = create(part);
    return target->file != NULL;
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
    FILE *file = create(from);
    if (!file)
        return false;
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
    if (target->file) /* it could not be begun anew */
        fclose(target->file);
    if (target->size == 0 || !target->validator[0]) { /* of no use */
        unlink(part);
        unlink(from);
    }
}
