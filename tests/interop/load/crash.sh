#!/bin/bash
# kill -9 of control: routing goes on, and after its restart it is in step. kill -9 of the dataplane: after its restart it is at the same version,
# with control and without; what was answered positively is at the SMSC.
capture_wanted=no
. "$(dirname "$0")/../lib.sh"
cat >"$dir/site.yaml" <<'EOF'
accounts:
  - {name: acme, password: secret1, window: 1000}
peers:
  - {name: smsc1, host: 198.18.0.2, port: 2776, password: pw, connections: 2, window: 200, reconnect: 1}
routes:
  - {to: "+4670", via: [smsc1]}
rules:
  - {name: spam-url, when: {text: 'bit\.ly/[a-z0-9]+'}, then: {reject: spam}}
EOF
appliance cpm-crash "0" "$dir/site.yaml"
start smsc "$dir/smsc.log" ip netns exec "$netns_name-b" "$build/cpm-load" smsc --listen 198.18.0.2:2776 --record "$dir/received"
smsc=$started
expect "the links are bound" wait_for 15 "bound" bound smsc1 2
send() { # RUN COUNT
	in_peers timeout 60 "$build/cpm-load" esme --connect 198.18.0.1:2775 --system-id acme --password secret1 --wait 10 --from +4611111 --to '+4670#######' \
		--sessions 2 --window 50 --count "$2" --run "$1" --record "$dir/sent$1"
}
killed() { kill -KILL "$1" && wait_for 5 "the process is gone" eval "! kill -0 $1"; }

expect "messages before" send 1 1000
expect "control is killed" killed "$control_pid"
expect "routing goes on without control" send 2 1000
control_start
expect "control is in step after its restart" in_step
expect "a change is in force after it" ctl route add +4673 via smsc1

expect "the dataplane is killed" killed "$dataplane_pid"
not_in_force() {
	local status=0
	ctl route add +4676 via smsc1 || status=$?
	test "$status" = 3
}
expect "a change without dataplane is committed and says that it is not in force" not_in_force
dataplane_start
expect "control and the new dataplane are in step" wait_for 10 "in step" in_step
expect "the links are bound again" wait_for 15 "bound" bound smsc1 2
expect "messages after" send 3 1000
expect "what was committed meanwhile is in force" eval "ctl route explain +4611111 +46760000001 | grep -q smsc1"

expect "control is killed again" killed "$control_pid"
expect "the dataplane is killed too" killed "$dataplane_pid"
dataplane_start
expect "the dataplane routes without control, from its own image" send 4 1000
control_start
expect "and both are in step again" in_step
stop "$smsc"
expect "nothing answered positively is missing at the SMSC" \
	"$build/cpm-load" verify --sent "$dir"/sent? --received "$dir/received" --any-order
finish
