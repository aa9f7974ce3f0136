/* Lua module `swcrypto` for host tools: hashes, signatures, password records, random bytes.
 *
 * A thin layer over the host's libsodium. Wrong argument types and sizes raise; a signature
 * that does not verify is `false`. Secret keys are libsodium's 64 bytes (seed and public
 * key), seeds and public keys 32. */

#include <lauxlib.h>
#include <lua.h>
#include <sodium.h>

#define HASH_TYPE "swcrypto.sha256"

static const unsigned char *check_bytes(lua_State *L, int index, size_t size, const char *what)
{
    size_t length;
    const char *bytes = luaL_checklstring(L, index, &length);

    if (length != size) {
        luaL_error(L, "%s has %d bytes, not %d", what, (int)length, (int)size);
    }
    return (const unsigned char *)bytes;
}

static const unsigned char *check_message(lua_State *L, int index, size_t *out_size)
{
    return (const unsigned char *)luaL_checklstring(L, index, out_size);
}

static int push_bytes(lua_State *L, const unsigned char *bytes, size_t size)
{
    lua_pushlstring(L, (const char *)bytes, size);
    return 1;
}

/* sha256(message) -> 32 bytes */
static int sha256(lua_State *L)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    size_t size;
    const unsigned char *message = check_message(L, 1, &size);

    crypto_hash_sha256(hash, message, size);
    return push_bytes(L, hash, sizeof hash);
}

/* sha512(message) -> 64 bytes */
static int sha512(lua_State *L)
{
    unsigned char hash[crypto_hash_sha512_BYTES];
    size_t size;
    const unsigned char *message = check_message(L, 1, &size);

    crypto_hash_sha512(hash, message, size);
    return push_bytes(L, hash, sizeof hash);
}

/* sha256_new() -> hash; hash:update(bytes) -> hash; hash:digest() -> 32 bytes, of all so far */
static int sha256_new(lua_State *L)
{
    crypto_hash_sha256_state *state = lua_newuserdatauv(L, sizeof *state, 0);

    crypto_hash_sha256_init(state);
    luaL_setmetatable(L, HASH_TYPE);
    return 1;
}

static int sha256_update(lua_State *L)
{
    crypto_hash_sha256_state *state = luaL_checkudata(L, 1, HASH_TYPE);
    size_t size;
    const unsigned char *bytes = check_message(L, 2, &size);

    crypto_hash_sha256_update(state, bytes, size);
    lua_settop(L, 1);
    return 1;
}

static int sha256_digest(lua_State *L)
{
    crypto_hash_sha256_state *state = luaL_checkudata(L, 1, HASH_TYPE);
    crypto_hash_sha256_state copy = *state;
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256_final(&copy, hash);
    return push_bytes(L, hash, sizeof hash);
}

/* ed25519_keypair(seed) -> public, secret */
static int ed25519_keypair(lua_State *L)
{
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
    unsigned char secret_key[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(public_key, secret_key,
                             check_bytes(L, 1, crypto_sign_SEEDBYTES, "seed"));
    push_bytes(L, public_key, sizeof public_key);
    push_bytes(L, secret_key, sizeof secret_key);
    sodium_memzero(secret_key, sizeof secret_key);
    return 2;
}

/* ed25519_sign(message, secret) -> 64 bytes */
static int ed25519_sign(lua_State *L)
{
    unsigned char signature[crypto_sign_BYTES];
    size_t size;
    const unsigned char *message = check_message(L, 1, &size);

    crypto_sign_detached(signature, NULL, message, size,
                         check_bytes(L, 2, crypto_sign_SECRETKEYBYTES, "secret key"));
    return push_bytes(L, signature, sizeof signature);
}

/* ed25519_verify(signature, message, public) -> boolean */
static int ed25519_verify(lua_State *L)
{
    const unsigned char *signature = check_bytes(L, 1, crypto_sign_BYTES, "signature");
    size_t size;
    const unsigned char *message = check_message(L, 2, &size);
    const unsigned char *public_key = check_bytes(L, 3, crypto_sign_PUBLICKEYBYTES, "public key");

    lua_pushboolean(L, crypto_sign_verify_detached(signature, message, size, public_key) == 0);
    return 1;
}

/* argon2id(password, opslimit, memory_bytes) -> "$argon2id$..." with a random salt */
static int argon2id(lua_State *L)
{
    char record[crypto_pwhash_STRBYTES];
    size_t size;
    const char *password = luaL_checklstring(L, 1, &size);
    lua_Integer passes = luaL_checkinteger(L, 2);
    lua_Integer memory = luaL_checkinteger(L, 3);

    luaL_argcheck(L, passes >= 1, 2, "must be positive");
    luaL_argcheck(L, memory >= (lua_Integer)crypto_pwhash_MEMLIMIT_MIN, 3, "too little memory");
    if (crypto_pwhash_argon2id_str(record, password, size, (unsigned long long)passes,
                                   (size_t)memory) != 0) {
        return luaL_error(L, "argon2id: out of memory");
    }
    lua_pushstring(L, record);
    return 1;
}

/* argon2id_verify(record, password) -> boolean */
static int argon2id_verify(lua_State *L)
{
    const char *record = luaL_checkstring(L, 1);
    size_t size;
    const char *password = luaL_checklstring(L, 2, &size);

    lua_pushboolean(L, crypto_pwhash_argon2id_str_verify(record, password, size) == 0);
    return 1;
}

/* random(count) -> bytes */
static int random_bytes(lua_State *L)
{
    lua_Integer count = luaL_checkinteger(L, 1);
    luaL_Buffer buffer;

    luaL_argcheck(L, count >= 0 && count <= 1 << 20, 1, "0 to 1 MiB");
    randombytes_buf(luaL_buffinitsize(L, &buffer, (size_t)count), (size_t)count);
    luaL_pushresultsize(&buffer, (size_t)count);
    return 1;
}

static const luaL_Reg functions[] = {
    { "sha256", sha256 },
    { "sha256_new", sha256_new },
    { "sha512", sha512 },
    { "ed25519_keypair", ed25519_keypair },
    { "ed25519_sign", ed25519_sign },
    { "ed25519_verify", ed25519_verify },
    { "argon2id", argon2id },
    { "argon2id_verify", argon2id_verify },
    { "random", random_bytes },
    { NULL, NULL },
};

static const luaL_Reg hash_methods[] = {
    { "update", sha256_update },
    { "digest", sha256_digest },
    { NULL, NULL },
};

int luaopen_swcrypto(lua_State *L);

int luaopen_swcrypto(lua_State *L)
{
    if (sodium_init() < 0) {
        return luaL_error(L, "libsodium does not start");
    }
    luaL_newmetatable(L, HASH_TYPE);
    luaL_newlib(L, hash_methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
