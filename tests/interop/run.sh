#!/usr/bin/env bash
# What seedbed writes is opened by the field's Python packages, and what these write by seedbed: pictures, labels,
# splits and ids must come through. The packages are in a virtual environment below the target folder.
#
#   tests/interop/run.sh [NAME...]        all tests, or those whose names hold NAME
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
venv=$target/interop/venv
list=tests/interop/requirements.txt

# skip WHY: ends here; under CI=true that is a failure.
skip() {
    echo "skip: $1"
    [ "${CI:-}" != true ]
    exit
}

python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || skip "no Python 3.11 with venv"
if ! cmp -s $list "$venv/installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --requirement $list ||
        skip "pip cannot install $list"
    cp $list "$venv/installed"
fi
# With the features that the tests of the workspace have, so that it is built once for both.
cargo build --quiet --workspace --bin seedbed
INTEROP_CACHE=$(mktemp -d)
# Nothing is fetched, and nothing of the user's is read or left behind.
export INTEROP_CACHE HF_HOME=$INTEROP_CACHE/home HF_HUB_OFFLINE=1 PYTHONDONTWRITEBYTECODE=1
export SEEDBED=$target/debug/seedbed
trap 'rm -rf "$INTEROP_CACHE"' EXIT
names=()
for name in "$@"; do names+=(-k "$name"); done
cd tests/interop
"$venv/bin/python" -W ignore -m unittest discover --verbose "${names[@]}"
