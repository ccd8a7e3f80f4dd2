#!/usr/bin/env bash
# Builds and tests the C libraries through CMake, links them into another project through add_subdirectory, installs
# them into a folder with a blank in its name, and builds an example against what was installed, through pkg-config.
set -euo pipefail
cd "$(dirname "$0")/../.."
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
work="$temporary/with blanks"

cmake -S ffi -B "$work/build" -DCMAKE_INSTALL_PREFIX="$work/installed" >/dev/null
cmake --build "$work/build" >/dev/null
ctest --test-dir "$work/build" --no-tests=error --output-on-failure | tail -3

mkdir "$work/user"
cat >"$work/user/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.16)
project(user C CXX)
add_subdirectory("$PWD/ffi" seedbed)
add_executable(user "$PWD/ffi/examples/c/augment.c")
target_link_libraries(user PRIVATE seedbed::shared)
CMAKE
cmake -S "$work/user" -B "$work/user/build" >/dev/null
cmake --build "$work/user/build" --target user >/dev/null
"$work/user/build/user" tests/golden/pipeline.bin >/dev/null
echo "linked and run through add_subdirectory"

cmake --install "$work/build" >/dev/null
if ! command -v pkg-config >/dev/null; then
    echo "skip: no pkg-config"
    [ "${CI:-}" != true ]
    exit
fi
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/installed" -name seedbed.pc)")
# pkg-config quotes for the shell.
eval "flags=($(pkg-config --cflags --libs seedbed))"
cc -std=c99 -Wall -Wextra -Werror -o "$work/augment" ffi/examples/c/augment.c "${flags[@]}"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir seedbed) "$work/augment" tests/golden/pipeline.bin >/dev/null
echo "installed, found by pkg-config, linked and run"
