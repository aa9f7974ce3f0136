/* swos.fd: the process's descriptors, as libc sees them, so that a shell can pass them on. */
#include <string.h>
#include <swos/fd.h>
#include <swos/message.h>

#include "binding.h"

/* Bytes of one read. */
#define READ_MAX (1u << 20)

static int fd_check(lua_State *L, int index)
{
    lua_Integer fd = luaL_checkinteger(L, index);
    luaL_argcheck(L, fd >= 0 && fd < SW_FD_LIMIT, index, "no descriptor number");
    return (int)fd;
}

static uint64_t deadline_optional(lua_State *L, int index)
{
    return (uint64_t)luaL_optinteger(L, index, (lua_Integer)SW_NEVER);
}

static int fd_result(lua_State *L, status_t status, int fd)
{
    if (status != SW_OK)
        return failure_push(L, status, sw_last_detail());
    lua_pushinteger(L, fd);
    return 1;
}

/* fd.open(path, flags [, mode]) -> fd; flags: swos.OPEN_* */
static int fd_open(lua_State *L)
{
    int fd = -1;
    status_t status = sw_fd_open(luaL_checkstring(L, 1), (uint32_t)luaL_checkinteger(L, 2),
                                 (uint32_t)luaL_optinteger(L, 3, 0644), &fd);
    return fd_result(L, status, fd);
}

static int fd_close(lua_State *L)
{
    return fd_result(L, sw_fd_close(fd_check(L, 1)), 0);
}

/* fd.pipe([capacity]) -> reader, writer */
static int fd_pipe(lua_State *L)
{
    int fds[2];
    status_t status = sw_fd_pipe((uint32_t)luaL_optinteger(L, 1, 65536), fds);
    if (status != SW_OK)
        return failure_push(L, status, 0);
    lua_pushinteger(L, fds[0]);
    lua_pushinteger(L, fds[1]);
    return 2;
}

/* fd.duplicate(fd, lowest) -> fd */
static int fd_duplicate(lua_State *L)
{
    int fd = -1;
    status_t status = sw_fd_duplicate(fd_check(L, 1), (int)luaL_optinteger(L, 2, 3), &fd);
    return fd_result(L, status, fd);
}

/* fd.read(fd, bytes [, deadline]) -> string, "" at the end of the file */
static int fd_read(lua_State *L)
{
    int fd = fd_check(L, 1);
    lua_Integer length = luaL_checkinteger(L, 2);
    luaL_argcheck(L, length >= 0 && length <= (lua_Integer)READ_MAX, 2, "out of range");
    uint64_t deadline = deadline_optional(L, 3); /* before the buffer uses the stack */
    luaL_Buffer buffer;
    char *bytes = luaL_buffinitsize(L, &buffer, (size_t)length);
    size_t done = 0;
    status_t status = sw_fd_read(fd, bytes, (size_t)length, deadline, &done);
    if (status != SW_OK)
        return failure_push(L, status, sw_last_detail());
    luaL_pushresultsize(&buffer, done);
    return 1;
}

/* fd.write(fd, string [, deadline]) -> true; all of it */
static int fd_write(lua_State *L)
{
    int fd = fd_check(L, 1);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);
    uint64_t deadline = deadline_optional(L, 3);
    while (length > 0) {
        size_t done = 0;
        status_t status = sw_fd_write(fd, bytes, length, deadline, &done);
        if (status != SW_OK)
            return failure_push(L, status, sw_last_detail());
        bytes += done;
        length -= done;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* fd.seek(fd, distance) -> offset: moves the offset from where it is. */
static int fd_seek(lua_State *L)
{
    uint64_t offset = 0;
    status_t status =
        sw_fd_seek(fd_check(L, 1), luaL_checkinteger(L, 2), SW_FD_FROM_OFFSET, &offset);
    if (status != SW_OK)
        return failure_push(L, status, sw_last_detail());
    lua_pushinteger(L, (lua_Integer)offset);
    return 1;
}

/* fd.kind(fd) -> SW_FD_*; nil when it is not open */
static int fd_kind(lua_State *L)
{
    struct sw_fd_facts facts;
    status_t status = sw_fd_facts(fd_check(L, 1), &facts);
    return fd_result(L, status, status == SW_OK ? (int)facts.kind : 0);
}

int fd_open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "open", fd_open },           { "close", fd_close }, { "pipe", fd_pipe },
        { "duplicate", fd_duplicate }, { "read", fd_read },   { "write", fd_write },
        { "seek", fd_seek },           { "kind", fd_kind },   { NULL, NULL },
    };
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "fd");
    return 0;
}
