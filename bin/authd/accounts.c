/* The account file; see accounts.h. */
#include "accounts.h"
#include <stdbool.h>
#include <string.h>

enum field {
    FIELD_NAME,
    FIELD_PRINCIPAL,
    FIELD_SESSION,
    FIELD_CAPS,
    FIELD_RECORD,
    FIELD_SHELL,
    FIELDS
};

struct text {
    const char *start;
    size_t length;
};

static bool text_is(struct text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.start, word, text.length) == 0;
}

static bool text_number(struct text text, uint64_t limit, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned char)text.start[i] - '0';
        if (digit > 9 || number > (limit - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out_number = number;
    return true;
}

static bool text_copy(struct text text, char *out, size_t capacity)
{
    if (text.length >= capacity)
        return false;
    memcpy(out, text.start, text.length);
    out[text.length] = 0;
    return true;
}

/* Splits at colons into exactly FIELDS fields. */
static bool line_split(struct text line, struct text fields[FIELDS])
{
    const char *at = line.start, *end = line.start + line.length;
    for (int i = 0; i < FIELDS; i++) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        if ((colon == NULL) != (i == FIELDS - 1))
            return false;
        fields[i] = (struct text){ at, (size_t)((colon ? colon : end) - at) };
        at = colon ? colon + 1 : end;
    }
    return true;
}

static bool line_parse(const struct text fields[FIELDS], struct account *account)
{
    uint64_t principal, session;
    if (!text_number(fields[FIELD_PRINCIPAL], UINT32_MAX, &principal) ||
        !text_number(fields[FIELD_SESSION], UINT32_MAX, &session))
        return false;
    account->principal = (uint32_t)principal;
    account->session = (uint32_t)session;
    if (text_is(fields[FIELD_CAPS], "all"))
        account->caps = SW_CAP_ALL;
    else if (!text_number(fields[FIELD_CAPS], UINT64_MAX, &account->caps))
        return false;
    account->caps &= SW_CAP_ALL;
    return principal != 0 /* the system's own; nobody logs in as it */
           && text_copy(fields[FIELD_RECORD], account->record, sizeof(account->record)) &&
           strncmp(account->record, "$argon2id$", 10) == 0 &&
           text_copy(fields[FIELD_SHELL], account->shell, sizeof(account->shell)) &&
           account->shell[0] == '/';
}

status_t account_find(const char *text, size_t size, const char *name, size_t name_length,
                      struct account *out_account)
{
    if (name_length == 0 || name_length > ACCOUNT_NAME_MAX)
        return SW_NOT_FOUND;
    const char *at = text, *nul = memchr(text, 0, size), *end = nul ? nul : text + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        struct text line = { at, (size_t)((newline ? newline : end) - at) };
        struct text fields[FIELDS];
        at = newline ? newline + 1 : end;
        if (line.length == 0 || line.start[0] == '#' || !line_split(line, fields))
            continue;
        if (fields[FIELD_NAME].length == name_length &&
            memcmp(fields[FIELD_NAME].start, name, name_length) == 0 &&
            line_parse(fields, out_account))
            return SW_OK;
    }
    return SW_NOT_FOUND;
}
