#!/usr/bin/env bash
# Runs the fuzz targets, each for so many seconds, from the seeds in fuzz/seeds and what earlier runs found.
#
#   fuzz/run.sh [SECONDS [TARGET...]]        10 seconds of every target by default
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-10}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    targets=(fuzz_targets/*.rs)
    targets=("${targets[@]#fuzz_targets/}")
    targets=("${targets[@]%.rs}")
fi
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
# The sanitizer is an unstable flag, which a stable compiler takes so.
export RUSTC_BOOTSTRAP=1
cargo fuzz build
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    log=$(mktemp)
    if ! cargo fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 >"$log" 2>&1; then
        cat "$log"
        echo "error: $target fails" >&2
        exit 1
    fi
    echo "$target: $(grep -E '^Done' "$log")"
    rm "$log"
done
