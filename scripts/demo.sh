#!/usr/bin/env bash
# The demo so far: a minute of a small plant is generated, decoded, and summed up.
set -euo pipefail
out=${1:-out}
mkdir -p "$out"
cargo build --release --locked -q -p fieldward-agent -p fieldward-tests --bin fieldward-agent --bin make-capture
target/release/make-capture demo --out "$out/demo.pcap"
target/release/fieldward-agent decode "$out/demo.pcap" >"$out/demo.jsonl"

echo
echo "One event of each kind (all of them: $out/demo.jsonl):"
for proto in modbus mqtt dns http tcp conn; do
    grep -m1 "\"proto\":\"$proto\"" "$out/demo.jsonl" | cut -c1-230 || true
done
echo
echo "The summary (fieldward-agent decode --quiet $out/demo.pcap):"
target/release/fieldward-agent decode --quiet "$out/demo.pcap"
