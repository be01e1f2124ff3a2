#!/usr/bin/env bash
# How well attacks are found: per plant a day to learn from, half a day of another date that must stay
# quiet, and an exam with every attack, eight minutes apart; all from different seeds of one site.
#
#   scripts/exam.sh [OUT]      PLANTS="water gas substation" DEVICES=20 INTENSITY=medium
set -euo pipefail
out=${1:-out}/exam
plants=${PLANTS:-water gas substation}
devices=${DEVICES:-20}
intensity=${INTENSITY:-medium}
mkdir -p "$out"
if [ -z "${AGENT:-}" ]; then
    cargo build --release --locked -q -p fieldward-agent -p fieldward-sim
    AGENT=target/release/fieldward-agent SIM=target/release/fieldward-sim
fi

record() { # name minutes seed start more…
    local name=$1 minutes=$2 seed=$3 start=$4
    shift 4
    "$SIM" record --plant "$plant" --devices "$devices" --minutes "$minutes" --seed "$seed" --start "$start" \
        --snaplen 300 --out "$out/$plant-$name.pcap" --labels "$out/$plant-$name.json" "$@"
}

attacks=$("$SIM" list | sed -n '/^Attacks/,/^Campaigns/p' | awk '/^  [a-z]/ {print $1}')
for plant in $plants; do
    echo "== $plant"
    record learn 1440 1 00:00
    record calm 720 2 06:00
    arguments=() second=300
    for attack in $attacks; do
        arguments+=(--attack "$attack::$intensity@$second")
        second=$((second + 480))
    done
    record exam $((second / 60 + 10)) 3 08:00 --calm "${arguments[@]}"
    "$AGENT" learn "$out/$plant-learn.pcap" --model "$out/$plant"
    for name in calm exam; do
        "$AGENT" replay "$out/$plant-$name.pcap" --model "$out/$plant" --facility "$plant" \
            --labels "$out/$plant-$name.json" >"$out/$plant-$name.jsonl"
    done
done
