/* Structures between Lua tables and bytes, by the generated field tables.
 *
 * Integers are Lua integers of the same bits. u8[N] is a string (zeros at its end dropped),
 * other arrays are sequences, structures are tables, a program is its bytes. */
#include <string.h>

#include "binding.h"

static const uint8_t SIZES[] = { 1, 2, 4, 8, 4, 8 };

static size_t element_size(const struct field *field)
{
    return field->kind < KIND_STRUCT ? SIZES[field->kind] : table_structure(field->structure)->size;
}

static void integer_store(const struct field *field, lua_Integer value, char *at)
{
    /* little-endian on both sides: the low bytes are the number */
    memcpy(at, &value, SIZES[field->kind]);
}

static lua_Integer integer_load(const struct field *field, const char *at)
{
    uint64_t value = 0;
    memcpy(&value, at, SIZES[field->kind]);
    return field->kind == KIND_I32 ? (lua_Integer)(int32_t)value : (lua_Integer)value;
}

/* Encodes the value at the top, which is not nil. */
static void value_encode(lua_State *L, const struct field *field, char *at)
{
    if (field->kind == KIND_STRUCT || field->kind == KIND_RAW) {
        structure_encode(L, lua_gettop(L), table_structure(field->structure), at);
        return;
    }
    int is_integer = 0;
    lua_Integer value = lua_tointegerx(L, -1, &is_integer);
    if (lua_isboolean(L, -1))
        value = lua_toboolean(L, -1), is_integer = 1;
    if (!is_integer)
        luaL_error(L, "field '%s' must be an integer, not %s", table_name(field->name),
                   luaL_typename(L, -1));
    if (SIZES[field->kind] == 4 && (uint64_t)(value + 0x80000000LL) > 0x17fffffffULL)
        luaL_error(L, "field '%s' does not fit in 32 bits", table_name(field->name));
    integer_store(field, value, at);
}

void fields_encode(lua_State *L, int index, unsigned first, unsigned count, void *bytes)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 8, NULL);
    for (unsigned i = 0; i < count; i++) {
        const struct field *field = table_field(first + i);
        char *at = (char *)bytes + field->offset;
        if (lua_getfield(L, index, table_name(field->name)) != LUA_TNIL) {
            if (!field->count) {
                value_encode(L, field, at);
            } else if (field->kind == KIND_U8) {
                size_t length;
                const char *text = luaL_tolstring(L, -1, &length);
                if (length > field->count)
                    luaL_error(L, "field '%s' is longer than %d bytes", table_name(field->name),
                               (int)field->count);
                memcpy(at, text, length);
                lua_pop(L, 1);
            } else {
                luaL_checktype(L, -1, LUA_TTABLE);
                for (unsigned j = 0; j < field->count; j++) {
                    if (lua_geti(L, -1, j + 1) != LUA_TNIL)
                        value_encode(L, field, at + j * element_size(field));
                    lua_pop(L, 1);
                }
            }
        }
        lua_pop(L, 1);
    }
}

static void value_decode(lua_State *L, const struct field *field, const char *at)
{
    if (field->kind == KIND_RAW) {
        lua_pushlstring(L, at, table_structure(field->structure)->size);
    } else if (field->kind == KIND_STRUCT) {
        const struct structure *structure = table_structure(field->structure);
        lua_createtable(L, 0, structure->field_count);
        fields_decode(L, structure->first_field, structure->field_count, at);
    } else {
        lua_pushinteger(L, integer_load(field, at));
    }
}

void fields_decode(lua_State *L, unsigned first, unsigned count, const void *bytes)
{
    luaL_checkstack(L, 8, NULL);
    for (unsigned i = 0; i < count; i++) {
        const struct field *field = table_field(first + i);
        const char *at = (const char *)bytes + field->offset;
        if (!field->count) {
            value_decode(L, field, at);
        } else if (field->kind == KIND_U8) {
            size_t length = field->count;
            while (length > 0 && at[length - 1] == 0)
                length--;
            lua_pushlstring(L, at, length);
        } else {
            lua_createtable(L, field->count, 0);
            for (unsigned j = 0; j < field->count; j++) {
                value_decode(L, field, at + j * element_size(field));
                lua_seti(L, -2, j + 1);
            }
        }
        lua_setfield(L, -2, table_name(field->name));
    }
}

void structure_encode(lua_State *L, int index, const struct structure *structure, void *bytes)
{
    if (lua_type(L, index) == LUA_TSTRING) {
        size_t length;
        const char *raw = lua_tolstring(L, index, &length);
        if (length != structure->size)
            luaL_error(L, "%s must be %d bytes, not %d", table_name(structure->name),
                       (int)structure->size, (int)length);
        memcpy(bytes, raw, length);
        return;
    }
    luaL_checktype(L, index, LUA_TTABLE);
    memset(bytes, 0, structure->size);
    fields_encode(L, index, structure->first_field, structure->field_count, bytes);
}

static const struct structure *structure_check(lua_State *L, int index)
{
    int found = structure_find(luaL_checkstring(L, index));
    luaL_argcheck(L, found >= 0, index, "no such structure");
    return table_structure((unsigned)found);
}

/* swos.pack(name, table) -> bytes */
static int codec_pack(lua_State *L)
{
    const struct structure *structure = structure_check(L, 1);
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(L, &buffer, structure->size);
    structure_encode(L, 2, structure, bytes);
    luaL_pushresultsize(&buffer, structure->size);
    return 1;
}

/* swos.unpack(name, bytes [, offset]) -> table, offset behind it */
static int codec_unpack(lua_State *L)
{
    const struct structure *structure = structure_check(L, 1);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    lua_Integer offset = luaL_optinteger(L, 3, 0);
    luaL_argcheck(L,
                  offset >= 0 && (uint64_t)offset <= length &&
                      length - (uint64_t)offset >= structure->size,
                  3, "not enough bytes");
    lua_createtable(L, 0, structure->field_count);
    fields_decode(L, structure->first_field, structure->field_count, bytes + offset);
    lua_pushinteger(L, offset + structure->size);
    return 2;
}

int codec_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = { { "pack", codec_pack },
                                          { "unpack", codec_unpack },
                                          { NULL, NULL } };
    luaL_setfuncs(L, functions, 0);
    return 0;
}
