#!/bin/bash
# Ten thousand connections of the kernel over AF_XDP, idle ones with traffic beside them: bounded memory and every one listed; after kill -9 of the
# dataplane each is reset within a second of its successor's start; after SIGTERM each is parted from in order, and messages under way are answered.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
eval "plain_$(declare -f appliance_config)"
appliance_config() { plain_appliance_config "$@" | sed -e 's/port: 2775/&, login_time: 3600/' -e 's/^  idle: sleep/&\n  connections_max: 16384\n  packets_max: 32768/'; }
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, window: 200, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
EOF
count=${COUNT:-10000}
appliance cpm-scale "0" "$dir/site.yaml"
start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received"
smsc=$started
expect "the link is bound" wait_for 15 "bound" bound smsc1 1
send() { # RUN COUNT
	in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --wait 10 --from +4611111 --to '+4670#######' \
		--sessions 2 --window 50 --count "$2" --run "$1" --record "$dir/sent$1"
}
resident_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$dataplane_pid/status"; }
hold() { # NAME SECONDS: holds $count connections; its words in NAME.log, its input is NAME.fifo
	mkfifo "$dir/$1.fifo"
	start "$1" "$dir/$1.log" ip netns exec "$netns_name-b" sh -c "exec perl tests/interop/load/hold.pl $count $2 198.18.0.3 198.18.0.4 198.18.0.5 198.18.0.6 <$dir/$1.fifo"
	holder=$started
	exec 8>"$dir/$1.fifo"
}
held() { grep -q "^open $count\$" "$dir/$1.log"; }
ended() { ! kill -0 "$holder" 2>/dev/null; }

before=$(resident_kb)
hold first 120
expect "$count connections of the kernel are open" wait_for 40 "open" held first
expect "all of them are counted" eval '[ "$(metric tcp_curr_estab)" -ge "$count" ]'
expect "all of them are listed" eval '[ "$(ctl --json connection list | jq ".rows | length")" -ge "$count" ]'
after=$(resident_kb)
expect "they cost at most 2 KiB each ($(((after - before) * 1024 / count)) bytes)" test $(((after - before) * 1024 / count)) -le 2048
expect "messages go on beside them" send 1 2000

kill -KILL "$dataplane_pid"
expect "the dataplane is killed" wait_for 5 "the process is gone" eval '! kill -0 "$dataplane_pid"'
dataplane_start
wait_for 10 "it is ready" grep -q "ready" "$dir/dataplane.log"
echo now >&8
expect "each peer is told" wait_for 20 "the holder ends" ended
sed 's/^/   /' "$dir/first.log"
expect "each is reset" grep -q "^reset $count closed 0 open 0" "$dir/first.log"
expect "within a second of the start" awk '/^reset/ {exit !($NF < 1000)}' "$dir/first.log"
expect "the link is bound again" wait_for 15 "bound" bound smsc1 1
expect "messages after" send 2 2000

hold second 60
expect "$count connections are open again" wait_for 40 "open" held second
start send3 "$dir/send3.log" ip netns exec "$netns_name-b" "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --wait 10 \
	--from +4611111 --to '+4670#######' --sessions 2 --window 50 --time 8 --run 3 --record "$dir/sent3"
sending=$started
wait_for 10 "traffic" eval '[ "$(metric messages_delivered)" -gt 3000 ]'
kill -TERM "$dataplane_pid"
echo now >&8
expect "it ends within ten seconds" wait_for 10 "the process is gone" eval '! kill -0 "$dataplane_pid"'
expect "with 0" wait "$dataplane_pid"
expect "each peer is told" wait_for 20 "the holder ends" ended
sed 's/^/   /' "$dir/second.log"
expect "each was parted from in order" grep -q "^reset 0 closed $count open 0" "$dir/second.log"
wait_for 20 "the sender ends" eval '! kill -0 "$sending"'
stop "$smsc"
expect "each submission was answered, and nothing answered positively is missing at the SMSC" \
	"$build/cpm-load" verify --sent "$dir"/sent? --received "$dir/received" --any-order
echo "passed: $(basename "$0")"
