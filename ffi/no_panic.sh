#!/bin/sh
# Fails where the static library keeps a path to a panic, to unwinding or to an allocator: with fat LTO, a
# panic that can still happen leaves a reference to core::panicking in the object that holds our code.
#
#   ffi/no_panic.sh [libseedbed.a]        builds the library where none is given
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lib=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "$lib" ]; then
    "$here/build.sh" "$work"
    lib=$work/libseedbed.a
fi
lib=$(realpath "$lib")
cd "$work"
ar x "$lib"
set -- seedbed_ffi*.o
[ -e "$1" ] || { echo "error: no object of ours in $lib" >&2; exit 1; }
bad=$(nm "$@" 2>/dev/null |
    grep -E 'panic|unwrap_failed|expect_failed|slice_index|rust_eh_personality|_Unwind|__rust_(re|de)?alloc' || true)
if [ -n "$bad" ]; then
    echo "error: the library can panic or allocate:" >&2
    echo "$bad" >&2
    exit 1
fi
echo "no panic, no allocator; asks from outside: $(nm -u "$@" 2>/dev/null | awk '/ U /{print $2}' | sort -u | tr '\n' ' ')"
