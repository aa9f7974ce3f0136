# libfdt for the kernel: reading a device tree and blanking values in place.
#
# Compiled with the kernel's flags plus -mstrict-align (it may run before the MMU is on).
# The sources stay in $OUT/src for the kernel's host tests.

cp "$HERE/libfdt/libfdt_env.h" "$SRC/libfdt/libfdt_env.h"
TARGET_CFLAGS="$TARGET_CFLAGS -mstrict-align -I$SRC/libfdt"
compile "$OUT/lib/libfdt.a" \
    libfdt/fdt.c libfdt/fdt_ro.c libfdt/fdt_wip.c libfdt/fdt_addresses.c libfdt/fdt_strerror.c

cp "$SRC/libfdt/fdt.h" "$SRC/libfdt/libfdt.h" "$SRC/libfdt/libfdt_env.h" "$OUT/include/"
cp -R "$SRC/libfdt" "$OUT/src"
cp "$SRC/BSD-2-Clause" "$OUT/LICENCE"
