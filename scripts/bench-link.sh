#!/usr/bin/env bash
# Each figure of the link with the command that gave it, for BENCHMARKS.md: the rate, the time from an alert
# to its acknowledgement at three rates of loss, memory, what hostile strangers change, and what takes long.
#
#   scripts/bench-link.sh [OUT]
set -euo pipefail
out=${1:-out}/link
cargo build --release --locked -q -p fieldward-tests --bin bench-link
bench=${CARGO_TARGET_DIR:-target}/release/bench-link

figure() { # arguments of bench-link
    rm -rf "$out"
    echo "\`bench-link FOLDER $*\`:"
    "$bench" "$out" "$@" 2>/dev/null | sed 's/^/- /'
}

figure rate
for loss in 0 1 5; do figure latency --loss "$loss"; done
figure memory
figure hostile
figure storm
figure outage
figure soak
rm -rf "$out"
