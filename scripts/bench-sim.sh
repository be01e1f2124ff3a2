#!/usr/bin/env bash
# Speed of recordings and cost of live plants, as tables for BENCHMARKS.md.
#
#   scripts/bench-sim.sh [OUT]      RUNS=5 LIVE=60 (seconds; 0 leaves the live plants out)
set -euo pipefail
out=${1:-out}
runs=${RUNS:-5}
live=${LIVE:-60}
mkdir -p "$out"
cargo build --release --locked -q -p fieldward-sim
sim=target/release/fieldward-sim

# cpu COMMAND… : CPU seconds, seconds of wall clock, peak KiB of one run
cpu() {
    /usr/bin/time -f '%U %S %e %M' -o "$out/bench.time" "$@" >/dev/null 2>"$out/bench.err"
    awk 'END {printf "%.2f %.2f %d\n", $1 + $2, $3, $4}' "$out/bench.time"
}

echo "| an hour of 50 devices | packets | CPU s | wall s | packets/s of CPU | peak |"
echo "|---|---|---|---|---|---|"
for plant in water gas substation; do
    read -r seconds wall rss < <(for _ in $(seq "$runs"); do
        cpu "$sim" record --plant "$plant" --minutes 60 --out "$out/sim.pcap" --labels "$out/sim.json"
    done | sort -n | sed -n "$(((runs + 1) / 2))p")
    packets=$(sed -E 's/.*: ([0-9]+) packets.*/\1/' "$out/bench.err")
    awk -v n="$plant" -v p="$packets" -v c="$seconds" -v w="$wall" -v r="$rss" \
        'BEGIN {printf "| %s | %d | %.2f | %.2f | %.2f M | %d MiB |\n", n, p, c, w, p / c / 1e6, r / 1024}'
done
rm -f "$out/sim.pcap" "$out/sim.json"

[ "$live" = 0 ] && exit
echo
echo "| live for $live s, 50 devices each | CPU s | share of one core | peak |"
echo "|---|---|---|---|"
for plants in "water" "water gas substation"; do
    arguments=()
    for plant in $plants; do arguments+=(--plant "$plant"); done
    # The brokers are children: /usr/bin/time counts them in.
    read -r seconds wall rss < <(cpu "$sim" plant "${arguments[@]}" --seconds "$live")
    awk -v n="$plants" -v c="$seconds" -v w="$wall" -v r="$rss" \
        'BEGIN {printf "| %s | %.2f | %.1f %% | %d MiB |\n", n, c, 100 * c / w, r / 1024}'
done
rm -f "$out"/bench.*
