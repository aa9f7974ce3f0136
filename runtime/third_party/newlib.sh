# newlib for user space: libc.a, libm.a and headers in $OUT/include, $OUT/lib.
#
# Static PIE with stack protector. libc objects are compiled as user programs are
# ($TARGET_CFLAGS), so errno and friends are thread-local, locks are ours to supply
# (retargetable locking) and read/write return ssize_t. System calls come from
# runtime/libc under the names _read, _write, _open, ...

flags="$TARGET_CFLAGS -g0 -DHAVE_RENAME -DHAVE_FCNTL -DHAVE_BLKSIZE"

# config.sub leaves the vendor free; "swos" only names the folder.
"$SRC/configure" --quiet --target=aarch64-swos-elf --prefix=/ \
    --disable-newlib-supplied-syscalls --disable-libgloss --disable-multilib --disable-nls \
    --enable-newlib-io-long-long --enable-newlib-io-c99-formats --enable-newlib-mb \
    --enable-newlib-multithread --enable-newlib-retargetable-locking \
    --enable-newlib-reent-thread-local \
    CC_FOR_TARGET="$TARGET_CC" AR_FOR_TARGET="$AR" RANLIB_FOR_TARGET="$RANLIB" \
    AS_FOR_TARGET="${CROSS}as" LD_FOR_TARGET="${CROSS}ld" NM_FOR_TARGET="${CROSS}nm" \
    OBJDUMP_FOR_TARGET="${CROSS}objdump" OBJCOPY_FOR_TARGET="${CROSS}objcopy" \
    READELF_FOR_TARGET="${CROSS}readelf" STRIP_FOR_TARGET="${CROSS}strip" \
    CFLAGS_FOR_TARGET="$flags"
make -s -j"$JOBS" MAKEINFO=true all-target-newlib
make -s MAKEINFO=true DESTDIR="$PWD/stage" install-target-newlib

cp -R stage/aarch64-swos-elf/include/. "$OUT/include/"
for lib in libc libm; do
    cp "stage/aarch64-swos-elf/lib/$lib.a" "$OUT/lib/$lib.a"
    "${CROSS}objcopy" -D "$OUT/lib/$lib.a"      # archive members without times and owners
done
cp "$SRC/COPYING.NEWLIB" "$OUT/LICENCE"
