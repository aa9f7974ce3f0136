/* Expected failures: nil, a sentence, the status's name. */
#include "binding.h"

int failure_push(lua_State *L, status_t status, uint32_t detail)
{
    lua_pushnil(L);
    const char *capability = status == SW_ACCESS && detail ? capability_name(detail - 1) : NULL;
    if (capability)
        lua_pushfstring(L, "%s (needs capability %s)", status_message(status), capability);
    else
        lua_pushstring(L, status_message(status));
    lua_pushstring(L, status_name(status));
    return 3;
}
