# libsodium for user space: libsodium.a and its headers.
#
# A plain list of files and no configure: Ed25519, SHA-2, HMAC, Argon2, ChaCha20-Poly1305,
# X25519, BLAKE2b (Salsa20 only because sodium_init picks it). There is no default source
# of randomness: call randombytes_set_implementation() before sodium_init(); forgetting
# it is a null call, not weak randomness.

lib=src/libsodium

# CVE-2025-69277: the test for the main subgroup looked at X alone.
edit "$SRC/$lib/crypto_core/ed25519/ref10/ed25519_ref10.c" \
    '    return fe25519_iszero(pl.X);' \
    '    fe25519 t; fe25519_sub(t, pl.Y, pl.Z); return fe25519_iszero(pl.X) & fe25519_iszero(t);'

sed -e 's/@VERSION@/1.0.18/' -e 's/@SODIUM_LIBRARY_VERSION_MAJOR@/10/' \
    -e 's/@SODIUM_LIBRARY_VERSION_MINOR@/3/' -e 's/@SODIUM_LIBRARY_MINIMAL_DEF@//' \
    "$SRC/$lib/include/sodium/version.h.in" >"$SRC/$lib/include/sodium/version.h"

TARGET_CFLAGS="$TARGET_CFLAGS -DCONFIGURED=1 -DSODIUM_STATIC=1 -DNATIVE_LITTLE_ENDIAN=1
    -DHAVE_TI_MODE=1 -DHAVE_ATOMIC_OPS=1 -DHAVE_INLINE_ASM=1 -DHAVE_WEAK_SYMBOLS=1
    -DHAVE_EXPLICIT_BZERO=1
    -DRANDOMBYTES_CUSTOM_IMPLEMENTATION -DRANDOMBYTES_DEFAULT_IMPLEMENTATION=NULL
    -I$SRC/$lib/include -I$SRC/$lib/include/sodium"

compile "$OUT/lib/libsodium.a" $(sed "s|^|$lib/|" "$HERE/libsodium/files.txt")

cp -R "$SRC/$lib/include/." "$OUT/include/"
find "$OUT/include" -name '*.am' -o -name '*.in' -o -name private | xargs rm -rf
cp "$SRC/LICENSE" "$OUT/LICENCE"
