#!/bin/sh
# Fails where a library for C keeps a path to a panic, to unwinding or to an allocator, or asks for more from outside
# than the few functions below: with fat LTO, a panic that can still happen leaves a reference to core::panicking in
# the object that holds our code.
#
#   ffi/no_panic.sh [--self-test] [LIBRARY...]        libseedbed.a, libseedbed.so; built where none is given
#
# The self-test plants a panic in a copy of the static library, and fails where the check does not find it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
self_test=
if [ "${1:-}" = --self-test ]; then
    self_test=yes
    shift
fi
if [ $# = 0 ]; then
    "$here/build.sh" "$work/built"
    set -- "$work/built/libseedbed.a" "$work/built/libseedbed.so"
fi
bad='panic|unwrap_failed|expect_failed|slice_index|rust_eh_personality|_Unwind|__rust_(re|de)?alloc'
outside='^(memcpy|memmove|memset|memcmp|bcmp|abort)$'

# ours LIBRARY: what holds our code; the rest of an archive is the compiler's.
ours() {
    case $1 in
        *.a)
            rm -rf "$work/objects"
            mkdir "$work/objects"
            (cd "$work/objects" && ar x "$1")
            ls "$work/objects"/seedbed_ffi*.o
            ;;
        *) echo "$1" ;;
    esac
}

# Lines `D name` and `U name` for each global symbol that is defined or asked for. By readelf, since nm takes objects
# that hold bitcode for a newer LLVM than its plugin's to be empty, and ends well. Names that end with a version are the
# C library's, weak ones that nobody defines the linker's.
symbols() {
    readelf -sW "$@" | awk '$1 ~ /^[0-9]+:$/ && NF >= 8 {
        sub(/@.*/, "", $8)
        if ($7 != "UND") print "D", $8
        else if ($5 == "GLOBAL") print "U", $8
    }' | sort -u
}

# check LIBRARY: says what is wrong with it.
check() {
    library=$(realpath "$1")
    ours "$library" >"$work/names"
    (
        IFS='
'
        symbols $(cat "$work/names")
    ) >"$work/ours"
    grep -x 'D sb_version' "$work/ours" >/dev/null || { echo "no code of ours is found in $1"; return 1; }
    if grep -E "$bad" "$work/ours"; then
        echo "the library can panic or allocate: $1"
        return 1
    fi
    sed -n 's/^U //p' "$work/ours" >"$work/asked"
    symbols "$library" | sed -n 's/^D //p' >"$work/brought"
    comm -23 "$work/asked" "$work/brought" >"$work/outside"
    if grep -vE "$outside" "$work/outside"; then
        echo "the library asks for that from outside: $1"
        return 1
    fi
    echo "no panic, no allocator; asks from outside: $(tr '\n' ' ' <"$work/outside")($1)"
}

# planted LIBRARY.a: fails where a check of it with a panic added does not.
planted() {
    cp "$1" "$work/planted.a"
    cat >"$work/planted.rs" <<'RUST'
#![no_std]
#[unsafe(no_mangle)]
pub extern "C" fn sb_planted(at: usize, of: &[u8; 4]) -> u8 {
    of[at]
}
RUST
    rustc --edition 2024 --crate-type lib --crate-name seedbed_ffi_planted --emit obj -Copt-level=3 -Cpanic=abort \
        -o "$work/seedbed_ffi_planted.o" "$work/planted.rs"
    # S: no table of symbols, for which ar would have to read what nm cannot.
    ar rS "$work/planted.a" "$work/seedbed_ffi_planted.o"
    found=$(check "$work/planted.a" || true)
    case $found in
        *'can panic'*) echo "the planted panic is found" ;;
        *) echo "error: the check did not find the planted panic: $found" >&2; return 1 ;;
    esac
}

for library in "$@"; do
    check "$library" >"$work/said" || { sed 's/^/error: /' "$work/said" >&2; exit 1; }
    cat "$work/said"
done
[ -z "$self_test" ] || planted "$1"
