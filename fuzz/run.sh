#!/usr/bin/env bash
# Runs the fuzz targets, each for so many seconds, from the seeds in fuzz/seeds and what earlier runs found.
#
#   fuzz/run.sh [SECONDS [TARGET...]]        10 seconds of every target by default
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-10}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(pipeline idx npy recipe)
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
# The flags of sanitizers and coverage are unstable ones, which a stable compiler takes so.
export RUSTC_BOOTSTRAP=1
for target in "${targets[@]}"; do
    case $target in
        # The core has unsafe code, so the address sanitizer looks on.
        pipeline) with=(--sanitizer address --codegen-units 16) ;;
        # The host library has none; without the sanitizer its hundred packages build in half the time.
        *) with=(--sanitizer none --codegen-units 16 --features host) ;;
    esac
    mkdir -p "corpus/$target"
    log=$(mktemp)
    if ! cargo fuzz run "${with[@]}" "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -timeout=10 >"$log" 2>&1; then
        tail -n 60 "$log"
        echo "error: $target fails" >&2
        exit 1
    fi
    echo "$target: $(grep -E '^Done' "$log")"
    rm "$log"
done
