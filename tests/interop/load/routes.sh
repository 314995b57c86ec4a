#!/bin/bash
# A route is changed 1,000 times under load: each change is in force when the command returns, no message takes the old way afterwards, no stall.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
changes=${CHANGES:-1000}
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1, window: 1000}
  - {name: probe, password: secret1, window: 10}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 2, window: 200}
  - {name: smsc2, host: 198.18.0.3, port: 2776, password: pw, connections: 2, window: 200}
routes:
  - {to: "+4670", via: [smsc1]}
  - {to: "+4673", via: [smsc1]}
EOF
appliance cpm-routes "0" "$dir/site.yaml"
for n in 1 2; do
	start "smsc$n" "$dir/smsc$n.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen "198.18.0.$((n + 1)):2776" --record "$dir/received$n"
	smsc[n]=$started
done
expect "the links are bound" wait_for 15 "bound" eval "bound smsc1 2 && bound smsc2 2"
start load "$dir/load.log" ip netns exec "$netns_name-b" "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 \
	--from +4611111 --to '+4670#######' --sessions 4 --window 50 --run 1 --record "$dir/sent1"
load=$started
expect "messages flow" wait_for 10 "flow" eval '[ "$(metric messages_delivered)" -gt 1000 ]'
change_all() {
	for i in $(seq "$changes"); do
		ctl route set +4670 via "smsc$((i % 2 + 1))" >/dev/null || return 1
	done
}
before=$(metric messages_delivered)
started_at=$(date +%s%N)
expect "$changes changes of the route under load" change_all
took=$((($(date +%s%N) - started_at) / 1000))
echo "   $((took / changes)) us a change, its process and its disk commit included; $(($(metric messages_delivered) - before)) messages meanwhile"
expect "the load went on" test "$(($(metric messages_delivered) - before))" -gt 1000

# What comes after the command must go the new way: a probe of its own prefix, one message after each change.
probe() {
	for i in $(seq 20); do
		to=$((i % 2 + 1))
		ctl route set +4673 via "smsc$to" >/dev/null || return 1
		in_peers "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id probe --password secret1 --from "+46111$to" --to '+4673#######' \
			--sessions 1 --window 10 --count 20 --run "$((100 + i))" --record "$dir/probe$i" >/dev/null || return 1
	done
}
expect "20 times, 20 messages sent after a change" probe
stop "$load"
stop "${smsc[1]}"
stop "${smsc[2]}"
took_the_new_way() { # a marker begins with the number of its run
	for i in $(seq 20); do
		grep "^R $(printf %04x $((100 + i)))" "$dir/received$((i % 2 + 1))" >"$dir/took$i" || return 1
		"$build/cpm-load" verify --sent "$dir/probe$i" --received "$dir/took$i" || return 1
	done
}
expect "each took the way that was in force when it was sent, and only that" took_the_new_way
expect "no message of the load is lost or repeated" "$build/cpm-load" verify --any-order --expect-unanswered 200 --sent "$dir/sent1" "$dir"/probe* --received "$dir/received1" "$dir/received2"
finish
