/* Look-ups in the generated tables. All constant; nothing here allocates. */
#include <string.h>

#include "binding.h"
#include <lua/abi_tables.inc>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *table_name(uint16_t offset)
{
    return names + offset;
}

const struct field *table_field(unsigned index)
{
    return &fields[index];
}

const struct structure *table_structure(unsigned index)
{
    return &structures[index];
}

int structure_find(const char *name)
{
    for (unsigned i = 0; i < COUNT(structures); i++)
        if (!strcmp(table_name(structures[i].name), name))
            return (int)i;
    return -1;
}

const char *string_name(unsigned index)
{
    return table_name(string_names[index]);
}

/* System calls stand sorted by name. */
const struct system_call *system_call_find(const char *name)
{
    size_t low = 0, high = COUNT(system_calls);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, table_name(system_calls[middle].name));
        if (order == 0)
            return &system_calls[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct protocol *table_protocol(unsigned index)
{
    return &protocols[index];
}

const struct operation *table_operation(unsigned index)
{
    return index < COUNT(operations) ? &operations[index] : NULL;
}

const struct operation *operation_find(const char *protocol, const char *name)
{
    for (unsigned p = 0; p < COUNT(protocols); p++) {
        if (strcmp(table_name(protocols[p].name), protocol))
            continue;
        for (unsigned i = 0; i < protocols[p].operation_count; i++) {
            const struct operation *operation = &operations[protocols[p].first_operation + i];
            if (!strcmp(table_name(operation->name), name))
                return operation;
        }
    }
    return NULL;
}

const struct operation *operation_find_number(uint16_t protocol, uint16_t number)
{
    for (unsigned i = 0; i < COUNT(operations); i++)
        if (operations[i].number == number && protocols[operations[i].protocol].id == protocol)
            return &operations[i];
    return NULL;
}

int constant_find(const char *name, int64_t *out_value)
{
    for (unsigned i = 0; i < COUNT(constants); i++) {
        if (!strcmp(table_name(constants[i].name), name)) {
            *out_value = constants[i].value;
            return 1;
        }
    }
    return 0;
}

static const struct status_text *status_text(status_t status)
{
    unsigned index = status <= 0 ? (unsigned)-(int64_t)status : COUNT(status_texts);
    return index < COUNT(status_texts) ? &status_texts[index] : NULL;
}

const char *status_name(status_t status)
{
    const struct status_text *text = status_text(status);
    return text ? table_name(text->name) : "UNKNOWN";
}

const char *status_message(status_t status)
{
    const struct status_text *text = status_text(status);
    return text ? table_name(text->text) : "unknown error";
}

int status_find(const char *name, status_t *out_status)
{
    for (unsigned i = 0; i < COUNT(status_texts); i++) {
        if (!strcmp(table_name(status_texts[i].name), name)) {
            *out_status = -(status_t)i;
            return 1;
        }
    }
    return 0;
}

const char *capability_name(unsigned bit)
{
    for (unsigned i = 0; i < COUNT(capabilities); i++)
        if (bit < 64 && capabilities[i].value == (int64_t)(1ull << bit))
            return table_name(capabilities[i].name);
    return NULL;
}
