#!/usr/bin/env bash
# Asks a whole aggregator whatever its document allows and what it does not (schemathesis, all checks), as
# each role, of all plants and of one, and as nobody, on SQLite and on PostgreSQL. Fails for a 5xx, an answer
# outside of the schema, a status or content type that the document does not know, wrong input that is taken,
# right input that is refused, a parameter that is passed over, and for fewer requests than LEAST.
#
#   scripts/api-fuzz.sh                     DATABASES="sqlite postgres" CALLERS="nobody viewer-all …"
#                                           EXAMPLES=10 (of each operation, phase and caller) SEED=1 LEAST=20000
#   PLAY_API=…                              the program play-api, when it is built already
#
# Nothing is switched off but what api-fuzz/hooks.py and api-fuzz/schemathesis.toml name with its reason.
set -euo pipefail
cd "$(dirname "$0")/.."
databases=${DATABASES:-sqlite postgres}
callers=${CALLERS:-nobody viewer-all viewer-one analyst-all analyst-one engineer-all engineer-one admin-one admin-all}
examples=${EXAMPLES:-10}
seed=${SEED:-1}
least=${LEAST:-20000}
target=${CARGO_TARGET_DIR:-target}
schemathesis=$(realpath "$target")/api-fuzz/bin/schemathesis
here=$PWD/scripts/api-fuzz
export PYTHONDONTWRITEBYTECODE=1

if [ -z "${PLAY_API:-}" ]; then
    # Not for release: what overflows is to be seen.
    cargo build --locked -q -p fieldward-tests --bin play-api
    PLAY_API=$target/debug/play-api
fi
folder=$(mktemp -d)
plays=
leave() {
    [ -z "$plays" ] || { kill "$plays" 2>/dev/null && wait "$plays"; } || true
    rm -rf "$folder"
}
trap leave EXIT

begin() { # database
    mkdir "$folder/$1"
    "$PLAY_API" "$folder/$1" --database "$1" 2>"$folder/$1/log" &
    plays=$!
    until address=$(grep -m1 'people and programs may ask' "$folder/$1/log"); do
        kill -0 "$plays" 2>/dev/null || { cat "$folder/$1/log" >&2; exit 1; }
        sleep 0.1
    done
    address=http://$(sed -E 's/.*address=([^ ]+).*/\1/' <<<"$address")
}

ask() { # database caller seed
    local key said=$folder/$1-$2.txt counts=$folder/counts one two three four five done=0
    key=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' \
        "$folder/$1/keys.json" "$2")
    [ -n "$key" ] || [ "$2" = nobody ] || { echo "api-fuzz: there is no caller $2" >&2; exit 2; }
    rm -f "$counts"
    # One worker: two threads that parse at once end Python before 3.11.8 with "AST constructor recursion depth
    # mismatch" (CPython gh-106905), and they would share one lock anyway.
    FIELDWARD_KEY=$key FIELDWARD_KEYS=$folder/$1/keys.json FIELDWARD_COUNTS=$counts PYTHONPATH=$here \
        SCHEMATHESIS_HOOKS=hooks "$schemathesis" --config-file "$here/schemathesis.toml" run "$address/openapi.json" --checks all \
        --max-examples "$examples" --seed "$3" --workers 1 --no-color >"$said" 2>&1 || done=$?
    read -r one two three four five <"$counts"
    total=$((total + one + two + three + four + five))
    echo "| $1 | $2 | $((one + two + three + four + five)) | $two | $three | $four | $five |"
    [ "$done" = 0 ] || { cat "$said" >&2; failed=1; }
    # Whoever could not ask any more has seen nothing.
    if [ -n "$key" ] && ! curl -sf -o "$folder/answer" -H @- "$address/api/auth/me" <<<"X-API-Key: $key"; then
        echo "api-fuzz: $2 cannot ask any more" >&2
        failed=1
    fi
}

failed=0
total=0
echo "| database | who | requests | 2xx | 3xx | 4xx | 5xx |"
echo "|---|---|---|---|---|---|---|"
for database in $databases; do
    begin "$database"
    number=$seed
    for caller in $callers; do
        ask "$database" "$caller" "$number"
        number=$((number + 1))
    done
    if grep -n 'panicked\| ERROR ' "$folder/$database/log" >&2; then
        echo "api-fuzz: the log tells of faults" >&2
        failed=1
    fi
    kill "$plays"
    wait "$plays" || { echo "api-fuzz: the aggregator did not end in order" >&2; failed=1; }
    plays=
done
echo "$total requests in all"
[ "$total" -ge "$least" ] || { echo "api-fuzz: fewer than $least requests" >&2; failed=1; }
exit "$failed"
