#!/usr/bin/env bash
# The packages: out/*.deb of agent and aggregator, judged by lintian. With --try they are installed, upgraded, removed and
# purged in a Debian of their own (debootstrap, a folder that goes away afterwards); that needs root.
# PROFILE=dev builds faster, for a try of the packages themselves.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-out} profile=${PROFILE:-release}
mkdir -p "$out"
rm -f "$out"/fieldward-*.deb

make_one() { # PACKAGE [REVISION]
    cargo deb -q --locked --no-build -p "$1" --profile "$profile" --deb-revision "${2:-1}" --output "$out/"
}

try_all() {
    root=$(mktemp -d)
    trap 'rm -rf "$root" "$root.log" "$out"/fieldward-*-2_*.deb' EXIT
    chmod 755 "$root"
    echo "packages: a Debian of its own in $root"
    # As this machine is: what was built here runs on this release and newer ones.
    debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" >"$root.log" 2>&1 ||
        { tail -5 "$root.log" >&2; return 1; }
    cp "$out"/fieldward-*.deb "$root/root/"
    chroot "$root" /bin/sh -eu <<'TRY'
export DEBIAN_FRONTEND=noninteractive
cd /root
say() { echo "packages: $*"; }
is() { [ "$1" = "$2" ] || { echo "packages: $3: '$1', not '$2'" >&2; exit 1; }; }
apt-get install -qq --no-install-recommends ./*-1_*.deb >/dev/null 2>&1
fieldward-agent check-config /etc/fieldward/agent.toml >/dev/null
fieldward-aggregator check-config /etc/fieldward/aggregator.toml >/dev/null
id fieldward >/dev/null && id fieldward-aggregator >/dev/null
is "$(ls /etc/systemd/system/multi-user.target.wants | grep -c fieldward || true)" 0 "it is not started before it is configured"
say installed
# What people wrote and what was stored outlives an upgrade.
for who in fieldward fieldward-aggregator; do
    install -d -o $who -m 700 /var/lib/$who && echo kept >/var/lib/$who/data
done
sed -i 's/^facility_id = .*/facility_id = "north"/' /etc/fieldward/agent.toml
runuser -u fieldward-aggregator -- fieldward-aggregator ca init --config /etc/fieldward/aggregator.toml >/dev/null
is "$(stat -c %U /var/lib/fieldward-aggregator/ca)" fieldward-aggregator "whose the authority is"
apt-get install -qq --no-install-recommends ./*-2_*.deb >/dev/null 2>&1
is "$(dpkg-query -W -f '${Version}' fieldward-agent)" "$(dpkg-deb -f fieldward-agent_*-2_*.deb Version)" "the version after an upgrade"
is "$(grep -c '^facility_id = "north"' /etc/fieldward/agent.toml)" 1 "what was configured after an upgrade"
fieldward-agent check-config /etc/fieldward/agent.toml >/dev/null
say upgraded
dpkg -r fieldward-agent fieldward-aggregator >/dev/null
[ ! -e /usr/bin/fieldward-agent ] && [ -e /etc/fieldward/agent.toml ] || { echo "packages: removal" >&2; exit 1; }
is "$(cat /var/lib/fieldward/data /var/lib/fieldward-aggregator/data | sort -u)" kept "what was stored after removal"
say removed
dpkg -P fieldward-agent fieldward-aggregator >/dev/null 2>&1
[ ! -e /etc/fieldward/agent.toml ] || { echo "packages: the configuration stays after purge" >&2; exit 1; }
is "$(cat /var/lib/fieldward/data /var/lib/fieldward-aggregator/data | sort -u)" kept "what was stored after purge"
say purged, and what was stored is kept
TRY
}

cargo build --profile "$profile" --locked -p fieldward-agent -p fieldward-aggregator -p fieldward-sim
for package in fieldward-agent fieldward-aggregator; do make_one "$package"; done
lintian --fail-on error,warning --tag-display-limit 0 "$out"/fieldward-*.deb
ls -l "$out"/fieldward-*.deb
if [ "${1:-}" = --try ]; then
    for package in fieldward-agent fieldward-aggregator; do make_one "$package" 2; done
    try_all
fi
