#!/bin/sh
# cpm-load against itself over loopback: both roles, both directions, receipts, every fault; the judge must pass what is
# right and fail what is not. usage: self.sh [PATH_OF_CPM_LOAD]
set -eu
load=${1:-$(dirname "$0")/../../../build/cpm-load}
dir=$(mktemp -d)
smsc=
trap '[ -z "$smsc" ] || kill "$smsc" 2>/dev/null || true; rm -rf "$dir"' EXIT

# start SMSC_OPTION...: a server on a free port; its address goes to $address when it says that it listens.
start() {
	rm -f "$dir/out"
	mkfifo "$dir/out"
	"$load" smsc --listen 127.0.0.1:0 --system-id it --password works --record "$dir/smsc" --json "$@" >"$dir/out" &
	smsc=$!
	exec 3<"$dir/out"
	read -r word address <&3
	[ "$word" = listening ]
}

stop() {
	kill -INT "$smsc"
	cat <&3
	exec 3<&-
	wait "$smsc"
	smsc=
}

esme() {
	"$load" esme --connect "$address" --system-id it --password works --record "$dir/esme" --json "$@"
}

verify() {
	"$load" verify --sent "$dir/esme" --received "$dir/smsc" "$@"
}

fails() {
	if "$@"; then
		echo "self.sh: passed, but had to fail: $*" >&2
		exit 1
	fi
}

echo '--- plain, four sessions'
start
esme --sessions 4 --count 20000
stop
verify

echo '--- receipts, some before their response, hexadecimal ids'
start --receipts 5ms --fault early:10%,undeliverable:10% --id hex
esme --sessions 2 --count 5000 --receipts
stop
verify --receipts

echo '--- messages both ways, UCS-2 and payloads'
start --mo '+4671#####' --mo-rate 5k --mo-count 2000 --coding ucs2 --text 'nummer {n} från järnvägen'
esme --sessions 2 --rate 5k --time 1 --size 400
stop
verify
"$load" verify --sent "$dir/smsc" --received "$dir/esme"

echo '--- long messages in parts, told by header and by parameters'
start
esme --sessions 3 --count 6000 --parts 3
stop
verify
start
esme --sessions 3 --count 6000 --parts 200 --sar --coding ucs2
stop
verify

echo '--- refusals and slow answers'
start --fault throttle:10%,error:RMSGQFUL:5%,slow:5ms:20%
esme --sessions 2 --count 5000
stop
verify

echo '--- silence and broken connections'
start --fault silent:1%,disconnect:0.2%
esme --sessions 3 --rate 10k --count 5000 --response-timeout 300ms | tee "$dir/totals"
stop
opened=$(sed -n 's/.*"sessions_opened": \([0-9]*\).*/\1/p' "$dir/totals")
[ "$opened" -gt 3 ] || { echo 'self.sh: no broken session was opened again' >&2; exit 1; }
fails verify
verify --expect-unanswered 5000

echo '--- the judge sees a lost, a doubled and a changed message'
start
esme --count 1000
stop
verify
cp "$dir/smsc" "$dir/whole"
sed 500d "$dir/whole" >"$dir/smsc"
fails verify
sed 500p "$dir/whole" >"$dir/smsc"
fails verify
verify --expect-duplicates 1
sed '500s/intact/changed/' "$dir/whole" >"$dir/smsc"
fails verify

echo '--- a wrong password, no server'
start
fails "$load" esme --connect "$address" --system-id it --password fails --count 1
stop
fails "$load" esme --connect "$address" --system-id it --password works --count 1
echo 'self.sh: all as it should be'
