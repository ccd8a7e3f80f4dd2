#!/usr/bin/env bash
# Runs the fuzz targets, each for so many seconds, from the seeds in fuzz/seeds and what earlier runs found.
#
#   fuzz/run.sh [SECONDS [TARGET...]]        10 seconds of every target by default
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-10}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(pipeline idx npy npz cifar safetensors table jsonl tar bytes parquet arrow tfrecord
    picture model dataset recipe)
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
# The flags of sanitizers and coverage are unstable ones, which a stable compiler takes so.
export RUSTC_BOOTSTRAP=1
# The core has unsafe code, so the address sanitizer looks on.
core=(--sanitizer address --codegen-units 16)
# The host library has none; without the sanitizer its hundred packages build in half the time, once for all targets.
host=(--sanitizer none --codegen-units 16 --features host)
# Files that targets write are in memory where the system has such a folder.
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
log=$TMPDIR/log

fail() {
    tail -n 60 "$log"
    echo "error: $1 fails" >&2
    exit 1
}

built=
for target in "${targets[@]}"; do
    with=("${host[@]}")
    if [ "$target" = pipeline ]; then
        with=("${core[@]}")
    elif [ -z "$built" ]; then
        cargo fuzz build "${host[@]}" >"$log" 2>&1 || fail "the build"
        built=1
    fi
    # In the header of a page the reader of Parquet goes through maps as long as they say, whatever follows.
    timeout=$([ "$target" = parquet ] && echo 100 || echo 10)
    mkdir -p "corpus/$target"
    cargo fuzz run "${with[@]}" "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=16384 -timeout="$timeout" >"$log" 2>&1 || fail "$target"
    echo "$target: $(grep -E '^Done' "$log")"
done
