#!/usr/bin/env bash
# How well attacks are found in captures that others made, and how quiet normal traffic of others stays.
# The captures lie beside the repository (../shared/data, or DATA); labels, alerts and findings of each
# are left in OUT/real, where a score can be looked into.
#
#   scripts/exam-real.sh [OUT]      DATA=… ONLY=part-of-a-name
set -euo pipefail
out=${1:-out}/real
exam=${EXAM:-}
if [ -z "$exam" ]; then
    cargo build --release --locked -q -p fieldward-tests --bin exam-real
    exam=target/release/exam-real
fi
"$exam" "$out" ${DATA:+--data "$DATA"} ${ONLY:+--only "$ONLY"}
