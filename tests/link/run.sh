#!/usr/bin/env bash
# Links a program without std, allocator and libc that runs a pipeline, and checks that its ELF holds no symbol
# of a panic or an allocator, and that it gives the golden bytes.
#
#   tests/link/run.sh              the check, then the self-test
#   tests/link/run.sh --check      the check alone
#
# The self-test plants a panic, and fails where the check does not find it.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
target=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "skip: the link test is for x86-64 Linux"
    [ "${CI:-}" != true ]
    exit
fi

# check FEATURES...: builds the program and checks it; says what is wrong.
check() {
    local elf=$CARGO_TARGET_DIR/link/$target/release/link bad want got
    RUSTFLAGS="-Crelocation-model=static -Clink-arg=-static -Clink-arg=-nostdlib -Clink-arg=-nostartfiles" \
        cargo build -q --release --manifest-path tests/link/Cargo.toml --target $target \
        --target-dir "$CARGO_TARGET_DIR/link" "$@"
    if readelf -l "$elf" | grep INTERP >/dev/null; then
        echo "the program is not statically linked"
        return 1
    fi
    bad=$(nm -C "$elf" | grep -iE 'panic|unwrap_failed|expect_failed|slice_index|_Unwind|eh_personality|alloc' || true)
    if [ -n "$bad" ]; then
        printf 'the program can panic or allocate:\n%s\n' "$bad"
        return 1
    fi
    want=$(sed -n 's#^augment/pipeline ##p' tests/golden/hashes.txt)
    got=$("$elf") || { echo "the program ends with $?"; return 1; }
    if [ "$got" != "$want" ]; then
        echo "the program gives $got, not $want"
        return 1
    fi
    echo "no panic, no allocator, golden bytes: $(stat -c %s "$elf") bytes of ELF"
}

check
if [ "${1:-}" != --check ]; then
    found=$(check --features plant || true)
    case $found in
        *'can panic'*) echo "the planted panic is found" ;;
        *) echo "error: the check did not find the planted panic: $found" >&2; exit 1 ;;
    esac
fi
