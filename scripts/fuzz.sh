#!/usr/bin/env bash
# Runs every fuzz target for the given seconds, two at a time, without a sanitizer: the workspace has
# no unsafe code, so panics, time-outs and memory are what there is to find.
set -euo pipefail
seconds=${1:-1200}
cd "$(dirname "$0")/.."
cargo +nightly fuzz build --sanitizer none -a
cargo +nightly fuzz list | xargs -P 2 -I{} sh -c '
    cargo +nightly fuzz run --sanitizer none -a {} -- \
        -max_total_time='"$seconds"' -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
        >"fuzz/{}.log" 2>&1 && echo "fuzz: {} found nothing in '"$seconds"' s" \
        || { echo "fuzz: {} FOUND something, see fuzz/{}.log" >&2; exit 255; }'
