#!/usr/bin/env bash
# Installs what is missing, and nothing else: Debian packages for the build and the tests, schemathesis
# from PyPI into the target folder, and, when named, cargo-deny or cargo-fuzz. Says what it does; does nothing when all is there.
set -euo pipefail

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if ! command -v apt-get >/dev/null; then
        echo "setup: please install by hand (no apt-get here): ${missing[*]}" >&2
        exit 1
    fi
    echo "setup: installing ${missing[*]}" >&2
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Node from wherever it came, when it is new enough to build the page; else Debian's.
node_and_npm() {
    local version
    version=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    [ "${version:-0}" -ge 20 ] && command -v npm >/dev/null && return
    packages nodejs npm
    version=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
    if [ "${version:-0}" -lt 20 ]; then
        echo "setup: the page needs Node 20.19 or newer, and this distribution has ${version:-none}:" >&2
        echo "setup: install it from https://nodejs.org; the aggregator builds without the page until then" >&2
    fi
}

# What asks the API anything, by its hashes, into a folder of its own.
schemathesis() {
    local wanted=scripts/api-fuzz/requirements.txt folder=${CARGO_TARGET_DIR:-target}/api-fuzz
    cmp -s "$wanted" "$folder/installed" && return
    echo "setup: installing schemathesis into $folder" >&2
    rm -rf "$folder"
    mkdir -p "${folder%/*}"
    python3 -m venv "$folder" &&
        "$folder/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$wanted" &&
        cp "$wanted" "$folder/installed"
}

cd "$(dirname "$0")/.."
case "${1:-base}" in
    base)
        if ! command -v cargo >/dev/null; then
            echo "setup: Rust is missing; install it from https://rustup.rs and run this again" >&2
            exit 1
        fi
        # chromium shows the page to its tests, e2fsprogs and python3 make the disks of the power-cut tests and cut them off, gcc links, libfaketime
        # lets clocks jump, kcat is a Kafka, libpcap captures, iproute2 and nftables make a mirror port and keep it silent, mosquitto
        # is the broker of live plants, openssl plays an operator's PKI, postgresql is the other database of the store, python3-venv holds what asks the API
        # anything (curl looks whether it still may), tshark is the oracle of the agreement test
        packages chromium curl e2fsprogs gcc iproute2 kcat libc6-dev libfaketime libpcap-dev mosquitto nftables openssl postgresql \
            python3 python3-venv redis-server tshark
        node_and_npm
        if ! schemathesis; then
            rm -rf "${CARGO_TARGET_DIR:-target}/api-fuzz"
            echo "setup: schemathesis was NOT installed: the test that asks the API anything will be skipped" >&2
        fi
        ;;
    page)
        node_and_npm
        ;;
    demo)
        if ! command -v cargo >/dev/null; then
            echo "setup: Rust is missing; install it from https://rustup.rs and run this again" >&2
            exit 1
        fi
        # mosquitto is the broker of live plants; the rest builds
        packages gcc libc6-dev libpcap-dev mosquitto
        node_and_npm
        ;;
    api-fuzz)
        packages curl postgresql python3 python3-venv
        schemathesis
        ;;
    bench)
        packages time util-linux
        ;;
    packages)
        packages debootstrap lintian
        command -v cargo-deb >/dev/null || cargo install --locked cargo-deb
        ;;
    cargo-deny)
        command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
        ;;
    cargo-fuzz)
        packages g++
        command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
        rustup toolchain list | grep -q nightly || rustup toolchain install nightly --profile minimal
        ;;
    *)
        echo "setup: nothing called '$1'" >&2
        exit 2
        ;;
esac
