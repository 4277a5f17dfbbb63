#!/bin/sh
# Asks each route of a running server for what its document promises, and for what it must refuse.
#
#     benches/serve_schemathesis.sh [GRISTMILL] [EXAMPLES]
#
# Makes a folder with two jobs, serves it at a free port of the loopback, and runs schemathesis (from a virtual environment of its own) over
# docs/openapi.json: with the administrator's token, with the reader's, and with none. Ends with 0 when nothing was found. Streams of events and
# what ends the session are left out: the tests of the crate ask them.
set -eu
binary=${1:-"${CARGO_TARGET_DIR:-$HOME/.cache/gristmill-target}/release/gristmill"}
examples=${2:-100}
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT INT TERM

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q schemathesis

folder=$work/folder
mkdir -p "$folder/jobs" "$folder/pipelines"
printf 'n\n1\n2\n3\n' >"$folder/rows.csv"
printf 'name: counted\nstages:\n  - read: {path: rows.csv}\n  - filter: "n > 1"\n' >"$folder/pipelines/counted.yaml"
printf 'pipeline: pipelines/counted.yaml\nschedule: {cron: "0 2 * * *"}\n' >"$folder/jobs/plain.yaml"
printf 'pipeline: pipelines/counted.yaml\npartitions: {days: {from: 2026-01-01, to: 2026-01-31}}\n' >"$folder/jobs/daily.yaml"
umask 077
python3 -c 'import secrets; print(secrets.token_hex(32))' >"$work/admin"
python3 -c 'import secrets; print(secrets.token_hex(32))' >"$work/reader"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$binary" serve --dir "$folder" --port "$port" --token-file "$work/admin" --reader-token-file "$work/reader" >"$work/log" 2>&1 &
server=$!
tries=0
until python3 -c "import urllib.request; urllib.request.urlopen('$url/readyz')" 2>/dev/null; do
    tries=$((tries + 1))
    test "$tries" -lt 300 || { cat "$work/log"; exit 1; }
    sleep 0.1
done

# Some history, so that names which are there can be asked for.
run=$(python3 - "$url" "$work/admin" <<'END'
import json, sys, urllib.request
def ask(path, body):
    request = urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode(), {"Authorization": "Bearer " + open(sys.argv[2]).read().strip(), "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))
ask("/api/jobs/daily/backfill", {"from": "2026-01-01", "to": "2026-01-10", "parallelism": 2})
print(ask("/api/jobs/plain/run", {})["run"])
END
)
cat >"$work/schemathesis.toml" <<END
[[operations]]
include-path-regex = "/events$|^/logout$"
enabled = false

[[operations]]
include-path-regex = "\\\\{name\\\\}"
parameters = { name = "daily" }

[[operations]]
include-path-regex = "\\\\{id\\\\}"
parameters = { id = "$run" }
END

found=0
check() {
    echo "== $1"
    shift
    (cd "$work" && "$work/venv/bin/schemathesis" "$@") || found=1
}
# Runs that cannot be started by a made-up parameter are refused with 422, pages of the log with a place beyond its end are empty: what a schema cannot
# say is no fault. What is checked: no 5xx, only states and bodies that the document names, kinds of content, and that what is no valid request is refused.
# Wrong tokens are not tried here: after ten of them the answer is 429, which schemathesis takes for a fault. The tests of the crate try them on each route.
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance
for role in admin reader; do
    check "$role, names made up" run "$url/api/openapi.json" -H "Authorization: Bearer $(cat "$work/$role")" --exclude-path-regex '/events$|^/log(in|out)$' \
        --checks "$checks" --max-examples "$examples"
done
check "names that are there" --config-file "$work/schemathesis.toml" run "$url/api/openapi.json" -H "Authorization: Bearer $(cat "$work/admin")" --checks "$checks" --max-examples "$examples"
kill -0 "$server" || { echo "the server has ended"; tail -20 "$work/log"; exit 1; }
if grep -F -f "$work/admin" "$work/log" || grep -F -f "$work/reader" "$work/log"; then
    echo "a token stands in the log"
    exit 1
fi
exit "$found"
