#!/usr/bin/env bash
# Speed and memory of `decode` on generated captures, beside tshark in the same run, as a table for
# BENCHMARKS.md. CPU seconds (user and system) on one core, median of RUNS runs; tshark runs once.
#
#   scripts/bench.sh [OUT]           captures are generated into OUT (default: out)
#   CAPTURES="a.pcap b.pcap" scripts/bench.sh    these captures instead
#   RUNS=5 TSHARK=1 (0 leaves tshark out) LONG=1 (0 leaves the ten-fold capture out)
set -euo pipefail
out=${1:-out}
runs=${RUNS:-5}
mkdir -p "$out"
cargo build --release --locked -q -p fieldward-agent -p fieldward-tests --bin fieldward-agent --bin make-capture
agent=target/release/fieldward-agent

if [ -z "${CAPTURES:-}" ]; then
    CAPTURES=
    for kind in plant mix syn; do
        [ -s "$out/$kind.pcap" ] || target/release/make-capture "$kind" --out "$out/$kind.pcap"
        CAPTURES+=" $out/$kind.pcap"
    done
fi

core=$(($(nproc) - 1))

# cpu COMMAND… : CPU seconds and peak KiB of one run, its output into $out/bench.out
cpu() {
    local TIMEFORMAT='%3U %3S'
    { time taskset -c "$core" /usr/bin/time -f %M -o "$out/bench.rss" "$@" >"$out/bench.out" 2>/dev/null; } 2>"$out/bench.cpu"
    awk -v rss="$(tail -n1 "$out/bench.rss")" '{printf "%.3f %d\n", $1 + $2, rss}' "$out/bench.cpu"
}

# median COMMAND… : the run with the median CPU time
median() {
    for _ in $(seq "$runs"); do cpu "$@"; done | sort -n | sed -n "$(((runs + 1) / 2))p"
}

row() { # name capture packets cpu rss reference
    awk -v name="$1" -v capture="$2" -v packets="$3" -v cpu="$4" -v rss="$5" -v ref="$6" 'BEGIN {
        ratio = ref > 0 ? sprintf("%.1f", ref / cpu) : "-"
        printf "| %s | %s | %.3f | %.2f M | %d MiB | %s |\n", capture, name, cpu, packets / cpu / 1e6, rss / 1024, ratio
    }'
}

echo "| capture | command | CPU s | packets/s | peak | times tshark |"
echo "|---|---|---|---|---|---|"
for capture in $CAPTURES; do
    name=$(basename "$capture" .pcap)
    packets=$("$agent" decode --quiet "$capture" | sed -E 's/^\{"packets":([0-9]+).*/\1/')
    reference=0
    if [ "${TSHARK:-1}" = 1 ]; then
        read -r reference rss < <(cpu tshark -n -r "$capture" -o tcp.reassemble_out_of_order:TRUE \
            -Y 'mbtcp || mqtt || dns || http' -T fields -E occurrence=a -E 'aggregator=|' \
            -e frame.number -e mbtcp.trans_id -e mbtcp.unit_id -e modbus.func_code -e modbus.reference_num \
            -e modbus.word_cnt -e modbus.exception_code -e mqtt.msgtype -e mqtt.topic -e mqtt.qos \
            -e dns.flags.response -e dns.qry.name -e dns.qry.type -e dns.flags.rcode \
            -e http.request.method -e http.request.uri -e http.response.code -e http.content_length)
        row "tshark, fields" "$name" "$packets" "$reference" "$rss" "$reference"
    fi
    read -r seconds rss < <(median "$agent" decode --quiet "$capture")
    row "decode --quiet" "$name" "$packets" "$seconds" "$rss" "$reference"
    read -r seconds rss < <(median "$agent" decode "$capture")
    row "decode" "$name" "$packets" "$seconds" "$rss" "$reference"
done
rm -f "$out"/bench.*
