#!/usr/bin/env bash
# Builds and tests the C libraries through CMake, installs them into a temporary folder, and builds an example
# against what was installed, through pkg-config.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake -S ffi -B "$work/build" -DCMAKE_INSTALL_PREFIX="$work/installed" >/dev/null
cmake --build "$work/build" >/dev/null
ctest --test-dir "$work/build" --output-on-failure | tail -3
cmake --install "$work/build" >/dev/null
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/installed" -name seedbed.pc)")
read -ra flags < <(pkg-config --cflags --libs seedbed)
cc -std=c99 -Wall -Wextra -Werror -o "$work/augment" ffi/examples/c/augment.c "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir seedbed) "$work/augment" tests/golden/pipeline.bin >/dev/null
echo "installed, found by pkg-config, linked and run"
