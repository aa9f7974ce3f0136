#!/bin/sh
# Build one third-party library: build.sh NAME TARBALL WORK OUT
#
# Unpacks TARBALL under WORK and runs NAME.sh there with SRC (the sources), OUT (where
# include/, lib/ and LICENCE go), HERE (this folder) and what SConstruct exports:
# TARGET_CC, TARGET_CFLAGS, CROSS, JOBS (plain CC and CFLAGS would reach configure
# scripts). NEEDS names finished libraries beside OUT whose headers are seen.
# Called by build.lua, which keeps finished builds in the cache.
set -eu
name=$1 tarball=$2 work=$3 OUT=$4
HERE=$(dirname "$0")
HERE=$(cd "$HERE" && pwd)

rm -rf "$work" "$OUT"
mkdir -p "$work/src" "$work/obj" "$OUT/include" "$OUT/lib"
SRC=$(cd "$work/src" && pwd)
OBJ=$(cd "$work/obj" && pwd)
OUT=$(cd "$OUT" && pwd)
tar -xf "$tarball" -C "$SRC" --strip-components=1

AR=${CROSS}ar RANLIB="${CROSS}ranlib -D"
TARGET_CFLAGS="$TARGET_CFLAGS -g0 -ffile-prefix-map=$SRC=$name -ffile-prefix-map=$OBJ=$name"
SOURCE_DATE_EPOCH=0 LC_ALL=C
export SRC TARGET_CC TARGET_CFLAGS SOURCE_DATE_EPOCH LC_ALL

for other in $NEEDS; do
    TARGET_CC="$TARGET_CC -isystem $(cd "$OUT/../$other/include" && pwd)"
done

# edit FILE OLD NEW: replace the one line OLD by NEW; stops when the line is not there
# exactly once, which is how a moved pin is noticed.
edit() {
    [ "$(grep -cxF -e "$2" "$1")" = 1 ] || { echo "$1: not found once: $2" >&2; exit 1; }
    OLD=$2 NEW=$3 awk '$0 == ENVIRON["OLD"] { print ENVIRON["NEW"]; next } { print }' "$1" >"$1.new"
    mv "$1.new" "$1"
}

# compile ARCHIVE FILE...: compile C files (relative to SRC), JOBS at a time, into an archive.
compile() {
    archive=$1
    shift
    printf '%s\n' "$@" | xargs -P "$JOBS" -n 1 sh -c \
        '$TARGET_CC $TARGET_CFLAGS -c "$SRC/$1" -o "$(echo "${1%.c}" | tr / _).o"' sh
    $AR rcsD "$archive" ./*.o
}

cd "$OBJ"
. "$HERE/$name.sh"
