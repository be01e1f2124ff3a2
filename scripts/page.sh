#!/usr/bin/env bash
# Builds the page into aggregator/dashboard/dist, when it is not there or a source is newer (always with --anew).
# Without a Node that can, it says so and goes on: the aggregator builds without the page.
set -euo pipefail
cd "$(dirname "$0")/../aggregator/dashboard"

major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
    echo "page: no Node 20 or newer: the aggregator will be built without the page" >&2
    [ "${1:-}" != --anew ]
    exit
fi
if ! cmp -s package-lock.json node_modules/.installed; then
    echo "page: installing packages" >&2
    npm ci --no-fund --no-audit --silent
    cp package-lock.json node_modules/.installed
fi
newer() {
    [ ! -f dist/index.html ] || [ -n "$(find src public scripts index.html vite.config.ts package.json -newer dist/index.html -print -quit)" ]
}
if [ "${1:-}" = --anew ] || newer; then
    echo "page: building" >&2
    [ -d dist ] || touch ../build.rs
    npm run build --silent >&2
fi
