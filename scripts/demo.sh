#!/usr/bin/env bash
# The demo: builds what it needs, and starts everything on this machine (fieldward-sim showcase, which says the rest).
# PROFILE=dev builds faster and runs slower; what stands behind the script's name is handed on.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
folder=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")

began=$SECONDS
echo "demo: building agent, aggregator and simulator (the first time this takes some minutes)"
cargo build --profile "$profile" --locked -p fieldward-agent -p fieldward-aggregator -p fieldward-sim
echo "demo: built in $((SECONDS - began)) s"
exec "$folder/fieldward-sim" showcase "$@"
