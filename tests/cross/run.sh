#!/usr/bin/env bash
# Checks the golden hashes on other processors: aarch64 (NEON) under qemu-user, and Cortex-M4F and M7
# without an operating system under qemu-system-arm. There it also checks what training costs: bytes, stack and
# instructions are those of a table (which SEEDBED_BLESS=1 writes), and nothing in it can panic.
#
#   tests/cross/run.sh [aarch64] [cortex-m]      both by default
#
# It uses rustup's targets where they are installed or can be added, and otherwise Debian's rustc-web with
# -Zbuild-std (SEEDBED_CROSS=debian forces that). What is missing is installed by apt where this runs as root.
# A target that cannot be run is skipped with a line that says so; under CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# Which cuts the code into other units.
export CARGO_INCREMENTAL=0
skipped=0

skip() {
    echo "skip: $1"
    skipped=1
}

# need PROGRAM PACKAGE...: is the program there, or can it be installed?
need() {
    local program=$1
    shift
    command -v "$program" >/dev/null && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
            >/dev/null 2>&1 || return
    command -v "$program" >/dev/null
}

# Which toolchain has TARGET: prints `rustup` or `debian`.
toolchain() {
    if [ "${SEEDBED_CROSS:-}" != debian ] && command -v rustup >/dev/null; then
        if rustup target list --installed | grep -x "$1" >/dev/null || rustup target add "$1" >/dev/null 2>&1; then
            echo rustup
            return
        fi
    fi
    # The path is named because rustup's programs come first in PATH.
    need /usr/bin/cargo rustc-web cargo-web rust-web-src && echo debian
}

# The profile that a target's programs are built by.
profile() {
    case $1 in
        thumb*) echo firmware ;;
        *) echo release ;;
    esac
}

# build TARGET STD LINKER ARGS...: `cargo build` by whichever toolchain has the target.
build() {
    local target=$1 std=$2 linker=$3 with
    shift 3
    with=$(toolchain "$target") || return
    local key
    key=$(echo "$target" | tr a-z- A-Z_)
    if [ "$with" = rustup ]; then
        [ "$linker" = ld.lld ] || export "CARGO_TARGET_${key}_LINKER=$linker"
        cargo build -q --profile "$(profile "$target")" --target "$target" "$@"
    else
        need "$linker" lld || return
        export "CARGO_TARGET_${key}_LINKER=$linker"
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$CARGO_TARGET_DIR/debian \
            /usr/bin/cargo build -q --profile "$(profile "$target")" --target "$target" -Zbuild-std="$std" "$@"
    fi
}

# The folder that `build` put a target's files into.
out() {
    if [ "$(toolchain "$1")" = rustup ]; then
        echo "$CARGO_TARGET_DIR/$1/$(profile "$1")"
    else
        echo "$CARGO_TARGET_DIR/debian/$1/$(profile "$1")"
    fi
}

aarch64() {
    local target=aarch64-unknown-linux-gnu
    need qemu-aarch64 qemu-user || { skip "aarch64: no qemu-aarch64"; return; }
    need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross ||
        { skip "aarch64: no aarch64-linux-gnu-gcc"; return; }
    [ -n "$(toolchain $target)" ] || { skip "aarch64: no Rust toolchain with this target"; return; }
    build $target std,panic_abort aarch64-linux-gnu-gcc -p seedbed-golden --example run
    timeout 300 qemu-aarch64 -L /usr/aarch64-linux-gnu "$(out $target)/examples/run"
}

cortex_m() {
    local target=thumbv7em-none-eabihf machine
    need qemu-system-arm qemu-system-arm || { skip "cortex-m: no qemu-system-arm"; return; }
    [ -n "$(toolchain $target)" ] || { skip "cortex-m: no Rust toolchain with this target"; return; }
    build $target core,alloc ld.lld -p seedbed-firmware
    for machine in mps2-an386 mps2-an500; do
        echo -n "$machine: "
        timeout 300 qemu-system-arm -M $machine -nographic -monitor none -serial none \
            -semihosting-config enable=on,target=native -kernel "$(out $target)/firmware-golden" 2>&1
    done
    costs "$(out $target)/firmware-train"
}

# costs PROGRAM: what training and sampling cost on a Cortex-M4F, beside the table that `seedbed model summary` tells it
# by. What the compiler decides (code, stack, instructions) is compared where it is the table's.
costs() {
    local table=host-cli/src/model/cortex-m4.txt symbols with found
    need readelf binutils || { skip "cortex-m: no readelf to look for panics"; return; }
    symbols=$(readelf -sW "$1")
    grep ' begin$' <<<"$symbols" >/dev/null || { echo "error: no symbols in $1" >&2; return 1; }
    if grep -E 'panicking|panic_fmt|unwrap_failed|expect_failed|slice_index' <<<"$symbols" >&2; then
        echo "error: training can panic" >&2
        return 1
    fi
    found=$(timeout 300 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none -icount shift=0 \
        -semihosting-config enable=on,target=native -kernel "$1" 2>&1) ||
        { printf '%s\n' "$found" "error: training on a Cortex-M4 failed" >&2; return 1; }
    with=$(rustc --version | cut -d' ' -f1-2)
    [ "$(toolchain thumbv7em-none-eabihf)" = rustup ] ||
        with="$(/usr/bin/rustc --version | cut -d' ' -f1-2) of Debian"
    if [ "${SEEDBED_BLESS:-}" = 1 ]; then
        printf '%s\n' "# By tests/cross/run.sh with $with, a Cortex-M4F, one sample at a time; bytes and instructions." \
            "$found" >$table
    fi
    local left_out='^$' what='bytes and instructions'
    if ! grep "with $with," $table >/dev/null; then
        left_out='^(code|model|.*-(stack|instructions)) '
        what="lent bytes (what $with decides is not compared)"
    fi
    diff <(grep -v '^#' $table | grep -vE "$left_out") <(grep -vE "$left_out" <<<"$found") ||
        { echo "error: costs on a Cortex-M4 are not those of $table (SEEDBED_BLESS=1 writes it anew)" >&2; return 1; }
    echo "mps2-an386: training in the $what of $table, without a path to a panic"
}

for job in "${@:-aarch64 cortex-m}"; do
    for part in $job; do
        case $part in
            aarch64) aarch64 ;;
            cortex-m) cortex_m ;;
            *) echo "unknown target $part: aarch64 or cortex-m" >&2; exit 2 ;;
        esac
    done
done
if [ $skipped = 1 ] && [ "${CI:-}" = true ]; then
    echo "error: skipped under CI=true" >&2
    exit 1
fi
