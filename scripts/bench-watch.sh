#!/usr/bin/env bash
# From packet to alert with every detector loaded: recorded plants of three sizes, calm and under attack,
# as a table for BENCHMARKS.md. Decoding alone, in the same run, is the reference. A model is learnt for
# each size first.
#
#   scripts/bench-watch.sh [OUT]     SIZES="20 50 500" PLANT=water RUNS=3
set -euo pipefail
out=${1:-out}/watch
sizes=${SIZES:-20 50 500}
plant=${PLANT:-water}
runs=${RUNS:-3}
mkdir -p "$out"
cargo build --release --locked -q -p fieldward-agent -p fieldward-sim -p fieldward-tests --bins
release=${CARGO_TARGET_DIR:-target}/release

record() { # name minutes seed more…
    local file="$out/$plant-$size-$1"
    [ -s "$file.pcap" ] || "$release/fieldward-sim" record --plant "$plant" --devices "$size" --minutes "$2" \
        --seed "$3" --snaplen 300 --out "$file.pcap" --labels "$file.json" "${@:4}" 2>/dev/null
}

# What makes most work: scans, floods, storms, many names and places, as fast as it gets.
second=60 attacks=()
for attack in port-scan: port-scan:ports syn-flood: request-flood: request-flood:connections connect-storm: \
    connect-storm:bad-login dns-tunnel: unit-sweep: point-enumeration: slow-http: http-injection:; do
    attacks+=(--attack "$attack:fast@$second")
    second=$((second + 120))
done

echo "| capture | packets | decode alone, packets/s | watch, packets/s | times decoding | alerts | closed second, p99, ms | the longest, ms | peak |"
echo "|---|---|---|---|---|---|---|---|---|"
for size in $sizes; do
    model="$out/$plant-$size"
    if [ ! -d "$model" ]; then
        record learn 200 1 --start 06:00
        "$release/fieldward-agent" learn "$out/$plant-$size-learn.pcap" --model "$model" 2>/dev/null
        rm "$out/$plant-$size-learn.pcap"
    fi
    record calm 20 2
    record attack 28 3 --calm "${attacks[@]}"
    for name in calm attack; do
        "$release/bench-watch" "$out/$plant-$size-$name.pcap" --model "$model" --runs "$runs"
    done
done
