#!/bin/sh
# Builds the libraries for C into a folder: libseedbed.a, and on Linux libseedbed.so.0 (+ libseedbed.so).
#
#   ffi/build.sh [--target TRIPLE] [OUT]        OUT is target/c by default (target/c-TRIPLE for a target)
#
# For a target without an operating system, the static library only, optimised for size. Other systems than Linux are
# not served yet.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
target=
if [ "${1:-}" = --target ]; then
    target=$2
    shift 2
fi
built=${CARGO_TARGET_DIR:-$root/target}
out=${1:-$built/c${target:+-$target}}
case $target in
    *-none-*) profile=firmware types=staticlib ;;
    *) profile=ffi types=staticlib,cdylib ;;
esac
# One rustc call makes both libraries. The shared one names its major version, and libc for memcpy.
cargo rustc -q --manifest-path "$here/Cargo.toml" --profile $profile ${target:+--target "$target"} \
    --features panic-handler --crate-type $types -- \
    -Clink-arg=-Wl,-soname,libseedbed.so.0 -Clink-arg=-lc
from=$built/${target:+$target/}$profile
mkdir -p "$out"
cp "$from/libseedbed_ffi.a" "$out/libseedbed.a"
if [ $profile = ffi ]; then
    cp "$from/libseedbed_ffi.so" "$out/libseedbed.so.0"
    ln -sf libseedbed.so.0 "$out/libseedbed.so"
fi
