#!/usr/bin/env bash
# The demo so far: ten minutes of a water works with three attacks are recorded, decoded, and summed up.
set -euo pipefail
out=${1:-out}
mkdir -p "$out"
cargo build --release --locked -q -p fieldward-agent -p fieldward-sim
target/release/fieldward-sim record --plant water --minutes 10 --event maintenance@30 \
    --attack unit-sweep@120 --attack setpoint-range@300 --attack wildcard-subscription@420 \
    --out "$out/demo.pcap" --labels "$out/demo.json"
target/release/fieldward-agent decode "$out/demo.pcap" >"$out/demo.jsonl"

echo
echo "What was played ($out/demo.json):"
grep -E '"(name|technique|src|dst|changed)"|^        "10|^        ".*=' "$out/demo.json" | tr -d '",' | sed 's/^ *//; s/^/    /'
echo
echo "One event of each kind (all of them: $out/demo.jsonl):"
for proto in modbus mqtt dns http tcp conn; do
    grep -m1 "\"proto\":\"$proto\"" "$out/demo.jsonl" | cut -c1-230 || true
done
echo
echo "The summary (fieldward-agent decode --quiet $out/demo.pcap):"
target/release/fieldward-agent decode --quiet "$out/demo.pcap"
echo
echo "The same plants live: target/release/fieldward-sim demo"
