#!/bin/sh
# The clients of cpm-load with a server of another make, Prosody on loopback: SCRAM and PLAIN, receipts, a wrong password, nobody
# there; the judge must pass what is right. usage: chat.sh [PATH_OF_CPM_LOAD]
set -eu
load=${1:-$(dirname "$0")/../../../build/cpm-load}
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
port=$((20000 + $$ % 20000))

mkdir -p "$dir/data/example%2eorg/accounts"
for n in 0 1 2 3; do echo 'return { ["password"] = "secret" }' >"$dir/data/example%2eorg/accounts/u$n.dat"; done
cat >"$dir/prosody.cfg.lua" <<END
pidfile = "$dir/pid"
data_path = "$dir/data"
run_as_root = true
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
s2s_ports = {}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
modules_enabled = { "roster", "saslauth", "disco", "ping" }
modules_disabled = { "s2s", "offline", "tls" }
log = { error = "$dir/log" }
VirtualHost "example.org"
END
prosody --config "$dir/prosody.cfg.lua" -F >"$dir/out" 2>&1 &
server=$!

chat() {
	"$load" chat --connect "127.0.0.1:$port" --wait 10 --user 'u*@example.org' --record "$dir/chat" --json "$@"
}

judge() {
	"$load" verify --sent "$dir/chat" --received "$dir/chat" "$@"
}

fails() {
	if "$@"; then
		echo "chat.sh: passed, but had to fail: $*" >&2
		exit 1
	fi
}

echo '--- SCRAM, four clients to one another'
chat --password secret --sessions 4 --count 8000
judge

echo '--- PLAIN, receipts, text that must be escaped'
chat --password secret --plain --sessions 3 --count 1000 --receipts --text '{n} <från> & "järn"' | tee "$dir/totals"
judge --receipts
grep -q '"receipts": 1000' "$dir/totals"

echo '--- nobody is there'
chat --password secret --to nobody --count 10 | tee "$dir/totals"
grep -q '"ok": 0, "failed": 10,' "$dir/totals"
grep -q '"service-unavailable": 10' "$dir/totals"

echo '--- a wrong password, a user that there is not'
fails chat --password wrong --count 1
fails chat --password secret --sessions 5 --count 1
echo 'chat.sh: all as it should be'
