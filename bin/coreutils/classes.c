/* Classes of characters. See classes.h. */
#include "classes.h"
#include <string.h>

bool class_holds(const char *name, size_t length, uint32_t c, bool *out_known)
{
    bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    bool graph = c > ' ' && c < 0x7f, blank = c == ' ' || c == '\t';
    const struct {
        char name[8];
        bool holds;
    } classes[] = { { "upper", upper },
                    { "lower", lower },
                    { "alpha", upper || lower },
                    { "digit", digit },
                    { "alnum", upper || lower || digit },
                    { "xdigit", digit || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f') },
                    { "space", c == ' ' || (c >= '\t' && c <= '\r') },
                    { "blank", blank },
                    { "cntrl", c < ' ' || c == 0x7f },
                    { "punct", graph && !upper && !lower && !digit },
                    { "graph", graph },
                    { "print", graph || c == ' ' } };
    *out_known = true;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strlen(classes[i].name) == length && !strncmp(classes[i].name, name, length))
            return classes[i].holds;
    *out_known = false;
    return false;
}
